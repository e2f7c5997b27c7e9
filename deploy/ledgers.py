#!/usr/bin/env python3
"""Print both ledgers of `/api/v1/stats` (a file, or standard input); exit 1 unless both balance.

    curl -H "$token" http://127.0.0.1:8080/api/v1/stats | deploy/ledgers.py

While packets flow the two sides are read one after another and may differ for a moment: look again.
"""
import json
import sys

# The first term is what came in; the others are where it can have ended.
LEDGERS = {
    "packets": ("rx", "inspected"),
    "alerts": ("raised", "acknowledged", "sent", "written", "spooled"),
}


def main():
    with open(sys.argv[1], encoding="utf-8") if len(sys.argv) > 1 else sys.stdin as source:
        ledgers = json.load(source)["ledgers"]
    balanced = True
    for name, (total, *ends) in LEDGERS.items():
        ledger = ledgers[name]
        terms = {end: ledger[end] for end in ends}
        terms.update(("dropped " + cause, count) for cause, count in ledger["drops"].items())
        terms["in flight"] = ledger["in_flight"]
        short = ledger[total] - sum(terms.values())
        shown = " + ".join("%d %s" % (count, term) for term, count in terms.items() if count)
        print("%s: %d %s = %s%s" % (
            name, ledger[total], total, shown or "0", ", %d MISSING" % short if short else ""))
        balanced &= short == 0 and ledger["in_flight"] == 0
    return 0 if balanced else 1


if __name__ == "__main__":
    sys.exit(main())
