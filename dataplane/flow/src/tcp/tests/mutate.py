#!/usr/bin/env python3
"""Writes a table of ordinary conversations with seeded faults, without answers (see ask_peer.py).

    mutate.py GROUP FIRST_SEED COUNT >> mutated.txt
"""
import copy
import random
import sys

DELTAS = [1, 2, 10, 100, 500, 3000, 70000, 2**20]
FAULTS = ["swap", "repeat", "drop", "seq", "ack", "window", "flags", "S", "SA", "R", "F", "stamp", "keep-alive",
          "bad-update", "payload", "late", "reuse", "overlap"]
SEGMENTS_MAX = 26


class Maker:
    """One ordinary connection, as an observer sees it."""

    def __init__(self, dice):
        self.dice, self.out = dice, []
        self.next = {side: dice.choice([dice.randrange(2**32), 2**32 - dice.randrange(1, 400)]) for side in "><"}
        self.window = dict(zip("><", dice.choice([(64240, 65160), (8192, 4096), (1024, 512), (300, 300)])))
        self.stamped = dice.random() < 0.5
        self.clock = {side: dice.choice([1000, 5, 2**32 - 5, dice.randrange(2**32)]) for side in "><"}
        self.heard = {">": 0, "<": 0}

    def send(self, side, flags, payload=0, **options):
        other = "<" if side == ">" else ">"
        acks = "A" in flags
        self.clock[side] = (self.clock[side] + self.dice.choice([0, 0, 1, 3, 10])) % 2**32
        if self.stamped:
            options["ts"] = [self.clock[side], self.heard[other] if acks else 0]
            self.heard[side] = self.clock[side]
        self.out.append({"side": side, "flags": flags, "seq": self.next[side], "ack": self.next[other] * acks,
                         "window": self.window[side], "payload": payload, "options": options})
        self.next[side] = (self.next[side] + payload + ("S" in flags) + ("F" in flags)) % 2**32

    def conversation(self):
        dice = self.dice
        scales = dice.random() < 0.6
        for side, flags, shift in (">", "S", [0, 2, 7]), ("<", "SA", [0, 1, 8]):
            options = {"ws": dice.choice(shift)} if scales else {}
            if dice.random() < 0.7:
                options["sack"] = True
            self.send(side, flags, **options)
        self.send(">", "A")
        for _ in range(dice.randrange(5)):
            self.exchange()
        self.close()
        return self.out

    def exchange(self):
        dice = self.dice
        side, other = dice.choice(["><", "<>"])
        for _ in range(dice.randrange(1, 3)):
            self.send(side, dice.choice(["PA", "PA", "A"]), dice.choice([1, 10, 100, 200]))
        if dice.random() < 0.8:
            self.send(other, "A")
        if dice.random() < 0.1:
            window, self.window[other] = self.window[other], 0
            self.send(other, "A")
            self.send(side, "A", 1)
            self.send(other, "A")
            self.window[other] = window
            self.send(other, "A")

    def close(self):
        side, other = self.dice.choice(["><", "<>"])
        kind = self.dice.choice(["one by one", "at once", "crossed", "reset", "half", "open"])
        if kind == "reset":
            self.send(side, self.dice.choice(["R", "RA"]))
        elif kind == "crossed":
            self.send(side, "FA")
            self.next[side] -= 1
            self.send(other, "FA")
            self.next[side] += 1
            self.send(side, "A")
            self.send(other, "A")
        elif kind != "open":
            self.send(side, "FA", self.dice.choice([0, 0, 20]))
            if kind != "at once":
                self.send(other, "A")
            if kind == "half":
                self.send(other, "PA", 50)
                self.send(side, "A")
            self.send(other, "FA")
            self.send(side, "A")


def offset(dice):
    return dice.choice(DELTAS) * dice.choice([1, -1])


def insert(dice, segments, at, original):
    """A handshake, a reset or an end where none belongs."""
    fault, segment = at[1], copy.deepcopy(segments[at[0]])
    segment["flags"] = dice.choice(["R", "RA"]) if fault == "R" else dice.choice(["F", "FA", "FA"]) if fault == "F" else fault
    segment["payload"] = dice.choice([0, 0, 0, segment["payload"], 5])
    first = [s for s in original if "S" in s["flags"] and s["side"] == segment["side"]]
    if "S" in fault and first and dice.random() < 0.6:
        segment["seq"] = first[0]["seq"]
        segment["ack"] = first[0]["ack"] if fault == "SA" else 0
    if fault == "S" and dice.random() < 0.5:
        segment["ack"] = 0
    if dice.random() < 0.3:
        segment["seq"] += offset(dice)
    if dice.random() < 0.2:
        segment["ack"] += offset(dice)
    if dice.random() < 0.15:
        segment["side"] = "<" if segment["side"] == ">" else ">"
    segments.insert(at[0] + dice.choice([0, 1]), segment)


def change_stamp(dice, options):
    if "ts" not in options:
        options["ts"] = [dice.randrange(2**32), 0]
        return
    kind = dice.choice(["none", "value", "zero", "echo"])
    if kind == "none":
        del options["ts"]
    elif kind == "value":
        options["ts"][0] += dice.choice([-1, -2, -100, 5000, 2**31])
    elif kind == "zero":
        options["ts"][0] = 0
    else:
        options["ts"][1] += dice.choice([-1, 1, 1000])


def fault(dice, segments, original):
    """One fault; returns its name."""
    at, kind = dice.randrange(len(segments)), dice.choice(FAULTS)
    segment = segments[at]
    twin = copy.deepcopy(segment)
    if kind == "swap" and at + 1 < len(segments):
        segments[at], segments[at + 1] = segments[at + 1], segments[at]
    elif kind == "repeat":
        segments.insert(min(len(segments), at + dice.choice([1, 1, 2, 3, 5])), twin)
    elif kind == "drop" and len(segments) > 2:
        del segments[at]
    elif kind in ("seq", "ack"):
        segment[kind] += offset(dice)
    elif kind == "window":
        segment["window"] = dice.choice([0, 1, 10, segment["window"] // 2, 65535])
    elif kind == "flags":
        segment["flags"] = dice.choice(["", "S", "A", "SA", "F", "FA", "R", "RA", "P", "U", "UA", "SF", "SFA", "SR",
                                        "PAU", "SRA", "FRA", "SFR"])
    elif kind in ("S", "SA", "R", "F"):
        insert(dice, segments, (at, kind), original)
    elif kind == "stamp":
        change_stamp(dice, segment["options"])
    elif kind == "keep-alive":
        twin.update(flags="A", seq=twin["seq"] - 1, payload=dice.choice([0, 1]))
        segments.insert(at + 1, twin)
    elif kind == "bad-update":
        twin.update(flags="A", seq=twin["seq"] + 100, ack=twin["ack"] + 100, window=twin["window"] // 3, payload=0)
        segments.insert(at + 1, twin)
    elif kind == "payload":
        segment["payload"] = dice.choice([0, 1, 2, 50, 1400])
    elif kind == "late":
        segments.append(twin)
    elif kind == "reuse":
        more = Maker(dice).conversation()
        segments += more[:dice.randrange(1, len(more) + 1)]
    elif kind == "overlap":
        twin.update(flags="PA", seq=twin["seq"] - dice.choice([5, 10, 50]), payload=dice.choice([5, 20, 60]))
        segments.insert(at + 1, twin)
    return kind


def line(segment):
    options = segment["options"]
    words = ["sack"] * ("sack" in options)
    if "ws" in options:
        words.append(f"ws={options['ws']}")
    if "ts" in options:
        words.append("ts={}:{}".format(*(value % 2**32 for value in options["ts"])))
    return "{} {} {} {} {} {} {} | ?".format(segment["side"], segment["flags"] or ".", segment["seq"] % 2**32,
                                             segment["ack"] % 2**32, segment["window"], segment["payload"],
                                             ",".join(words) or "-")


def main():
    group, first, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    print(f"## {group}")
    for seed in range(first, first + count):
        dice = random.Random(seed)
        original = Maker(dice).conversation()
        segments = copy.deepcopy(original)
        kinds = [fault(dice, segments, original) for _ in range(dice.choice([1, 1, 1, 2, 2, 3]))]
        print(f"# {seed} {'+'.join(kinds)}")
        print("\n".join(line(segment) for segment in segments[:SEGMENTS_MAX]))


if __name__ == "__main__":
    sys.exit(main())
