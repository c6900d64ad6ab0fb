"""The commands, which ``cli`` registers; they load nothing heavy until they run."""
