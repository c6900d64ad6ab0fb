"""Examples of each command, which its ``--help`` ends with; the tests run them."""

from __future__ import annotations

EXAMPLES = {
    "lab": (
        "deployworkbook lab",
        "deployworkbook lab my-lessons --port 9000",
    ),
    "install": (
        "deployworkbook install",
        "deployworkbook install my-lessons --json",
    ),
    "reset": (
        "deployworkbook reset 04",
        "deployworkbook reset 04 --beside",
    ),
    "catchup": (
        "deployworkbook catchup 02 3",
        "deployworkbook catchup 05 'integers only' --replace",
    ),
    "doctor": (
        "deployworkbook doctor",
        "deployworkbook doctor --json",
    ),
    "run": (
        "deployworkbook run",
        "deployworkbook run 04 -p epochs 2",
        "deployworkbook run --fast --html --out site",
    ),
    "preload": (
        "deployworkbook preload",
        "deployworkbook preload 04 05 --into models-for-class",
        "deployworkbook preload --dataset digits --fast --json",
    ),
    "publish": (
        "deployworkbook publish float32",
        "deployworkbook publish float32 --model digits --dataset mnist",
    ),
    "deploy-files": (
        "deployworkbook deploy-files deploy",
        "deployworkbook deploy-files deploy --model digits --cpus 4",
    ),
    "monitor": (
        "deployworkbook monitor http://127.0.0.1:8501",
        "deployworkbook monitor http://127.0.0.1:8501 --once --json",
    ),
    "probe": (
        "deployworkbook probe http://127.0.0.1:8501 --model digits --record",
        "deployworkbook probe http://127.0.0.1:8501 --model digits --junit report.xml",
    ),
    "sweep": (
        "deployworkbook sweep --sparsity 0.9,0.95",
        "deployworkbook sweep --bits 8 --temperature 3 --workers 2",
    ),
    "cost": (
        "deployworkbook cost --rps 100 --variant int8-dynamic",
        "deployworkbook cost --rps 100 --service-ms 2 --machine c8g.large --json",
    ),
    "plan": (
        "deployworkbook plan --rps 100 --accuracy 0.97",
        "deployworkbook plan --rps 100 --day office --autoscaling --out plan",
    ),
    "tokens": (
        "deployworkbook tokens --model llama-3.1-8b --gpu l4 --bits 8 --batch 16",
        "deployworkbook tokens --model llama-3.1-70b --rps 20 --json",
    ),
    "edge": (
        "deployworkbook edge int8-full --device STM32L412KB",
        "deployworkbook edge model.tflite --core cortex-m4 --out model-c --record",
    ),
    "ledger": (
        "deployworkbook ledger",
        "deployworkbook ledger --all --json",
    ),
    "teach handout": (
        "deployworkbook teach handout 05",
        "deployworkbook teach handout 05 10 --run deployworkbook-run --out handouts",
    ),
    "teach plan": (
        "deployworkbook teach plan 60",
        "deployworkbook teach plan 180 --topics quantization,serving --start 13:30",
        "deployworkbook teach plan day --format html --out run-sheet.html",
    ),
    "teach rehearse": (
        "deployworkbook teach rehearse 60",
        "deployworkbook teach rehearse 180 --topics quantization,serving --json",
    ),
    "teach waits": (
        "deployworkbook teach waits 01 05 --out waits.json",
        "deployworkbook teach waits",
    ),
    "progress": (
        "deployworkbook progress",
        "deployworkbook progress --json",
    ),
    "terms": (
        "deployworkbook terms overfitting",
        "deployworkbook terms --lesson 05 --language zh",
    ),
    "submit": (
        "deployworkbook submit --yes",
        "deployworkbook submit --to class --name brave-otter --lessons 02,05 --yes",
    ),
    "teach preflight": (
        "deployworkbook teach preflight reports",
        "deployworkbook teach preflight reports --csv",
    ),
    "teach wheelhouse": (
        "deployworkbook teach wheelhouse stick",
        "deployworkbook teach wheelhouse stick --platform win_amd64 --python 3.12",
    ),
    "prices list": (
        "deployworkbook prices list",
        "deployworkbook prices list --prices my-prices.toml --json",
    ),
    "patch make": (
        "deployworkbook patch make old.tflite new.tflite -o update.patch",
        "deployworkbook patch make old.tflite new.tflite -o update.patch --block-kib 64 --json",
    ),
    "patch apply": (
        "deployworkbook patch apply model.tflite update.patch",
        "deployworkbook patch apply model.tflite update.patch -o new.tflite --json",
    ),
    "versions list": (
        "deployworkbook versions list digits",
        "deployworkbook versions list digits --json",
    ),
    "versions diff": (
        "deployworkbook versions diff digits 1 2",
        "deployworkbook versions diff digits 1 2 --dataset digits --examples 200 --json",
    ),
    "versions promote": (
        "deployworkbook versions promote digits 2",
        "deployworkbook versions promote digits 2 --label canary",
    ),
    "versions roll-back": ("deployworkbook versions roll-back digits",),
    "versions sign": (
        "deployworkbook versions sign digits",
        "deployworkbook versions sign digits 2",
    ),
    "versions verify": (
        "deployworkbook versions verify digits",
        "deployworkbook versions verify digits 2 --json",
    ),
    "versions card": (
        "deployworkbook versions card digits 2",
        "deployworkbook versions card digits 2 --limit 'Not for cheques.' --json",
    ),
    "versions to-mlflow": ("deployworkbook versions to-mlflow digits 2 mlflow-model",),
    "versions from-mlflow": (
        "deployworkbook versions from-mlflow digits mlflow-model --variant int8-dynamic",
    ),
    "teach catchup": ("deployworkbook teach catchup 05 3",),
    "teach copy": (
        "deployworkbook teach copy 05",
        "deployworkbook teach copy --all --out teacher",
    ),
    "teach collect": (
        "deployworkbook teach collect class",
        "deployworkbook teach collect class --csv class.csv --html class.html --json",
    ),
    "teach load": (
        "deployworkbook teach load 5 --hub http://127.0.0.1:8000 --password-file password.txt",
        "deployworkbook teach load 2 --hub http://127.0.0.1:8000 --password-file FILE --json",
    ),
    "teach hub": (
        "deployworkbook teach hub class --learners 12 --teacher grace",
        "deployworkbook teach hub class --names names.txt --memory 1.5G --address 0.0.0.0",
    ),
    "prices check": ("deployworkbook prices check my-prices.toml",),
}


def examples_of(command: str) -> str:
    r"""Lay out a command's examples for the end of its help.

    >>> print(examples_of("prices check").strip("\b"))
    <BLANKLINE>
    Examples:
      deployworkbook prices check my-prices.toml
    """
    # A line of \b alone keeps the parser's formatter from joining the lines.
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in EXAMPLES[command])])
