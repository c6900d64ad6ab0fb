"""How weights lie in flash: one layout a module, each of which knows its bytes beforehand."""
