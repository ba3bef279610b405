"""Write the golden cases (`make.py`), or hold those on disk to reference/arithmetic.md (`make.py --check`)."""

import argparse
import json
import pathlib

from arithmetic import Arithmetic
from mutants import MUTANTS

HERE = pathlib.Path(__file__).parent
OPERATORS = ("conv2d", "depthwise_conv2d", "max_pool2d", "average_pool2d", "linear", "add", "softmax", "reshape", "network")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; needs numpy alone")
    check() if parser.parse_args().check else write()


def write():
    import oracle
    from cases import CASES
    from draw import draw

    version = oracle.require_version()
    for stale in case_paths():
        stale.unlink()
    for name, (input_hwc, layers, wishes) in CASES.items():
        case = {"oracle": version} | draw(name, input_hwc, layers, wishes)
        case["expected"] = oracle.expected(case)
        path = HERE / f"{name}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(render(case))
    paths = case_paths()
    print(f"{len(paths)} cases, {sum(path.stat().st_size for path in paths):,} bytes")


def case_paths():
    return [path for operator in OPERATORS for path in sorted((HERE / operator).glob("*.json"))]


def render(value, indent=0):
    """JSON with a line for each field and each array of numbers. Floats print shortest, and read back to the bit."""
    pad = " " * indent
    if isinstance(value, dict):
        fields = [f'{pad} "{key}":{render(field, indent + 1).lstrip()}' for key, field in value.items()]
        text = pad + "{\n" + ",\n".join(fields) + "\n" + pad + "}"
    elif isinstance(value, list) and value and isinstance(value[0], (dict, list)):
        text = pad + "[\n" + ",\n".join(render(item, indent + 1) for item in value) + "\n" + pad + "]"
    else:
        text = pad + json.dumps(value, separators=(",", ":"))
    return text if indent else text + "\n"


def check():
    cases = {f"{path.parent.name}/{path.stem}": json.loads(path.read_text()) for path in case_paths()}
    wrong = {name: count for name, case in cases.items() if (count := disagreements(Arithmetic(), case))}
    outputs = sum(len(layer) for case in cases.values() for layer in case["expected"])
    print(f"arithmetic.md: {len(cases)} cases, {outputs:,} outputs, {sum(wrong.values())} disagree {wrong or ''}")
    living = [mutant for mutant in MUTANTS if not report(mutant, cases)]
    raise SystemExit(1 if wrong or living else 0)


def report(mutant, cases):
    """Print how often a deliberately wrong rule is caught, and where; return whether it is."""
    caught = {name: count for name, case in cases.items() if (count := disagreements(mutant(), case))}
    print(f"{sum(caught.values()):7,} outputs in {len(caught):2} cases catch: {mutant.__doc__}")
    return bool(caught)


def disagreements(arithmetic, case):
    pairs = zip(arithmetic.outputs(case), case["expected"], strict=True)
    return sum(ours != theirs for actual, expected in pairs for ours, theirs in zip(actual, expected, strict=True))


if __name__ == "__main__":
    main()
