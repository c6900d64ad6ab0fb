"""Functions that cheat, or do harm: none of them knows a right answer.

Each defines ``f`` for the exercise ``losses.mean``, whose right results are 13/3 and 1.25.
"""

# What no function may leave behind.
TRACE = "/tmp/deployworkbook-was-here"  # noqa: S108

# What a forged verdict would look like.
FORGED = '{"results": [{"shape": [], "values": ["right"]}], "status": "right", "solved": true}'

LOOK_UPS = [
    "from deployworkbook.exercises.registry import EXERCISES\n"
    "f = EXERCISES['losses.mean'].reference",
    "import deployworkbook.exercises.losses as l\nf = l.EXERCISES[0].reference",
    "import importlib\nname = 'deployworkbook.' + 'exercises.losses'\n"
    "f = importlib.import_module(name).EXERCISES[0].reference",
    "def f(a, b):\n m = __import__('deployworkbook.' + 'exercises.registry', fromlist=['x'])\n"
    " return m.EXERCISES['losses.mean'].reference(a, b)",
    "import sys\nname = 'deployworkbook.' + 'exercises.registry'\n"
    "f = sys.modules[name].EXERCISES['losses.mean'].reference",
    "import sys\ndef f(a, b):\n"
    " return [m for n, m in sys.modules.items() if n.endswith('registry')][0].EXERCISES",
    "import gc\ndef f(a, b):\n return [o for o in gc.get_objects() if hasattr(o, 'reference')][0]"
    ".reference(a, b)",
    "import sys\ndef f(a, b):\n frame = sys._getframe()\n while frame:\n"
    "  if 'right' in frame.f_locals: return frame.f_locals['right']\n  frame = frame.f_back",
    "import inspect\ndef f(a, b):\n"
    " return [each.frame.f_locals['expected'] for each in inspect.stack()][0]",
    "def f(a, b):\n"
    " return [c for c in object.__subclasses__() if c.__name__ == 'Standard'][0].accepted",
    "import deployworkbook, pathlib\ndef f(a, b):\n"
    " p = pathlib.Path(deployworkbook.__file__).parent / 'exercises' / 'losses.py'\n"
    " return float(p.read_text()[:3])",
    "import numpy, os\ndef f(a, b):\n"
    " return os.listdir(os.path.dirname(numpy.__file__)) and open('/proc/self/maps').read()",
    "import importlib.util as u\ndef f(a, b):\n"
    " s = u.spec_from_file_location('x', '/usr/x.py')\n return u.module_from_spec(s).f(a, b)",
    "import linecache, deployworkbook\ndef f(a, b):\n"
    " return len(linecache.getlines(deployworkbook.__file__)) and None",
]

LIES = [
    f"import os\ndef f(a, b):\n for n in range(3, 64):\n  try: os.write(n, b'''{FORGED}''')\n"
    "  except OSError: pass\n os._exit(0)",
    f"def f(a, b):\n print('''{FORGED}''')\n return '''{FORGED}'''",
    f"import json\njson.dumps = lambda *_: '''{FORGED}'''\ndef f(a, b): return 0",
    "import json\njson.dumps = lambda *_: '{\"results\": true}'\ndef f(a, b): return 0",
    "import json\njson.dumps = lambda *_: '[' * 100000\ndef f(a, b): return 0",
    'import json\njson.dumps = lambda *_: \'{"results": [{"shape": [0], "values": []}] }\'\n'
    "def f(a, b): return 0",
    'import json\njson.dumps = lambda *_: \'{"results": [{}, {"shape": [2], "values": [1]}]}\'\n'
    "def f(a, b): return 0",
    'import json\njson.dumps = lambda *_: \'{"results": [{"shape": [], "values": [1e999]}, 7]}\'\n'
    "def f(a, b): return 0",
    'import json\njson.dumps = lambda *_: \'{"results": [{"shape": [99999999, 0], "values": []}, '
    '{"shape": [-1], "values": [1]}]}\'\ndef f(a, b): return 0',
    "import json\njson.dumps = lambda *_: '9' * 5000\ndef f(a, b): return 0",
    "import json\njson.dumps = lambda *_: '\\udcff'\ndef f(a, b): return 0",
    "import numpy\nnumpy.allclose = numpy.isclose = lambda *a, **k: True\ndef f(a, b): return 0",
    "import numpy as np\nclass E(np.ndarray):\n def __eq__(self, o): return True\n"
    "def f(a, b): return np.zeros(()).view(E)",
    "class E(float):\n def __eq__(self, o): return True\n def __sub__(self, o): return 0.0\n"
    " __rsub__ = __sub__\ndef f(a, b): return E(7)",
    "class E:\n def __array__(self, *a, **k): return self\ndef f(a, b): return E()",
    "class E:\n def __array__(self, *a, **k): raise SystemExit\ndef f(a, b): return E()",
    "def f(a, b): return float('nan')",
    "def f(a, b): return [float('inf')] * 2",
    "def f(a, b): return 10 ** 5000",
    "def f(a, b): return '4.333333333333333'",
    "def f(a, b): return 4.333333333333333 + 0j",
    "def f(a, b): return {4.333333333333333}",
    "def f(a, b): yield 4.333333333333333",
    "async def f(a, b): return 4.333333333333333",
    "import numpy as np\ndef f(a, b): return np.array(['4.33'], dtype=object)",
    "import sys\nw = sys.modules['deployworkbook.teaching.collecting.worker']\n"
    "w.of_numbers = lambda _: {'solved': True}\ndef f(a, b): return 0",
    "import builtins\nbuiltins.isinstance = lambda *_: True\nbuiltins.all = lambda *_: True\n"
    "def f(a, b): return 0",
]

HARM = [
    "import os\ndef f(a, b): os._exit(0)",
    "import os\nos._exit(0)",
    "import sys\nsys.exit()",
    "raise KeyboardInterrupt",
    "def f(a, b): raise SystemExit('right')",
    "import os, signal\ndef f(a, b): os.kill(os.getppid(), signal.SIGKILL)",
    "import os, signal\ndef f(a, b): os.killpg(0, signal.SIGKILL)",
    "import os\ndef f(a, b):\n while True: os.fork()",
    "import subprocess\ndef f(a, b): return subprocess.check_output(['id'])",
    "import os\ndef f(a, b): os.execv('/bin/sh', ['sh', '-c', 'true'])",
    "import os\ndef f(a, b): return os.system('touch /tmp/deployworkbook-was-here')",
    "import threading\ndef f(a, b):\n t = threading.Thread(target=f, args=(a, b))\n t.start()",
    "import socket\ndef f(a, b): return socket.create_connection(('127.0.0.1', 80))",
    "import urllib.request as u\ndef f(a, b): return u.urlopen('http://127.0.0.1/')",
    "def f(a, b): return open('/etc/passwd').read()",
    "def f(a, b): open('/tmp/deployworkbook-was-here', 'w').write('x')",
    "import os\ndef f(a, b): os.symlink('/', '/tmp/deployworkbook-was-here')",
    "import shutil\ndef f(a, b): shutil.rmtree('.')",
    "import os\ndef f(a, b): return len(os.listdir('/'))",
    "import ctypes\ndef f(a, b): return ctypes.string_at(0)",
    "import ctypes\ndef f(a, b): return ctypes.CDLL(None).fork() or 1",
    "import ctypes\ndef f(a, b): return ctypes.CDLL(None).socket(2, 1, 0)",
    "import ctypes\ndef f(a, b): return ctypes.CDLL(None).unshare(0x10000000)",
    "import ctypes\ndef f(a, b): return ctypes.CDLL(None).prctl(22, 0, 0, 0, 0)",
    "import resource\ndef f(a, b): resource.setrlimit(resource.RLIMIT_CPU, (-1, -1))",
    "import signal\ndef f(a, b): signal.signal(signal.SIGXCPU, signal.SIG_IGN)",
    "def f(a, b): return f(a, b)",
    "def f(a, b): return bytearray(10 ** 11)",
    "import numpy as np\ndef f(a, b): return np.ones(10 ** 10)",
    "import numpy as np\ndef f(a, b): return np.ones(10 ** 6)",
    "def f(a, b): return 'x' * 10 ** 12",
    "import os\nos.closerange(0, 99)\ndef f(a, b): return 0",
    "import os\ndef f(a, b):\n for n in range(64):\n  try: os.write(n, b'x' * 60000)\n"
    "  except OSError: pass",
    "import sys\nsys.setrecursionlimit(10 ** 9)\ndef f(a, b): return f(a, b)",
    "import atexit\natexit.register(print, 'right')\ndef f(a, b): return None",
    "def f(a, b): return input()",
    "import sys\ndef f(a, b): return sys.stdin.read()",
    "def f(a, b): return __import__('os').environ['HOME']",
    "import os\ndef f(a, b): return os.read(0, 10)",
]

# They take all the time that they get, so they are few.
LOOPS = [
    "def f(a, b):\n while True: pass",
    "import time\ndef f(a, b): time.sleep(1000)",
    "def f(a, b): return 10 ** 10 ** 8",
]

NO_PROGRAMS = [
    "",
    "f",
    "f = 1",
    "g = lambda a, b: 0",
    "def f(a, b",
    "def f(a): return 0",
    "def f(a, b): return",
    "def f(a, b): ...",
    "\x00",
    "\ufeff\u202e",
    "(" * 5000,
    "f = " + "-" * 9000 + "1",
    "f = lambda a, b: " + "[" * 150 + "]" * 150,
    "class f: pass",
    "import no_such_module\ndef f(a, b): return 0",
]

ALL = [*LOOK_UPS, *LIES, *HARM, *LOOPS, *NO_PROGRAMS]
