#!/usr/bin/env python3
"""Asks Suricata 7.0.10 what it makes of the conversations of a table, and writes its answers into it.

    ask_peer.py --config suricata.yaml named.txt mutated.txt
    ask_peer.py --config suricata.yaml --keep DIR named.txt

`--config` is a neutral configuration: stream.midstream and stream.async-oneside false, host-os-policy windows for
all, EVE alerts. A new conversation is written with `| ?` for the answers. Each is sent as flows of its own, one for
each number of its first segments, so that the state that a flow record shows is the one after each segment.
Python 3, no packages.
"""
import argparse
import json
import os
import re
import struct
import subprocess
import sys
import tempfile

FLAGS = {"F": 1, "S": 2, "R": 4, "P": 8, "A": 16, "U": 32}
START_S = 1_700_000_000
STEP_MS = 20
HERE = os.path.dirname(os.path.abspath(__file__))
NAMES = os.path.join(HERE, "../../../../contract/src/event/names.rs")
ESTABLISHED_SID = 1000


def events():
    with open(NAMES, encoding="utf-8") as names:
        return re.findall(r'"stream\.([a-z0-9_]+)"', names.read())


def option_bytes(text):
    out = b""
    for option in text.split(","):
        name, _, value = option.partition("=")
        if name == "ws":
            out += struct.pack(">BBB", 3, 3, int(value))
        elif name == "ts":
            out += struct.pack(">BBII", 8, 10, *map(int, value.split(":")))
        elif name == "sack":
            out += b"\x04\x02"
        elif name == "tfo":
            out += b"\x22\x0aCOOKIE12"
        elif name == "md5":
            out += b"\x13\x12" + b"m" * 16
    return out + b"\x01" * (-len(out) % 4)


class Segment:
    """A line of a table."""

    def __init__(self, line, index):
        self.text = line.split(" | ")[0].rstrip()
        words = self.text.split()
        self.forward = words[0] == ">"
        self.flags = sum(FLAGS.get(letter, 0) for letter in words[1])
        self.seq, self.ack, self.window, self.payload = map(int, words[2:6])
        self.options = option_bytes(words[6])
        self.ms = int(words[7][1:]) if len(words) > 7 else (index + 1) * STEP_MS

    def frame(self, flow, index):
        client, server = struct.pack(">I", 0x0A000001 + flow), b"\xc0\xa8\x00\x01"
        ends = (client, server, 20000, 9999) if self.forward else (server, client, 9999, 20000)
        filler = bytes((97 + flow % 26, 97 + index % 26)) * (self.payload // 2 + 1)
        tcp = struct.pack(">HHIIBBHHH", ends[2], ends[3], self.seq, self.ack,
                          (5 + len(self.options) // 4) << 4, self.flags, self.window, 0, 0)
        tcp += self.options + filler[:self.payload]
        ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), index + 1, 0, 64, 6, 0) + ends[0] + ends[1]
        return b"\x02" * 6 + b"\x04" * 6 + b"\x08\x00" + ip + tcp


def configuration(text, group):
    """The neutral configuration with the settings of a group, and flow records."""
    text = re.sub(r"( *)- alert:\n", r"\1- flow\n\g<0>", text, count=1)
    for word in group.split():
        if word == "midstream":
            text = text.replace("midstream: false", "midstream: true")
        elif word == "oneside":
            text = text.replace("async-oneside: false", "async-oneside: true")
        elif word != "default":
            text = text.replace("windows: [0.0.0.0/0]", word + ": [0.0.0.0/0]")
    return text


def write_capture(path, conversations):
    """Frames of all flows by time; returns (flow, segment) of each frame and (conversation, segments) of each flow."""
    frames, flows = [], []
    for number, conversation in enumerate(conversations):
        for count in range(1, len(conversation) + 1):
            flow = len(flows)
            flows.append((number, count))
            for index, segment in enumerate(conversation[:count]):
                frames.append((segment.ms, flow, index, segment.frame(flow, index)))
    frames.sort(key=lambda frame: frame[0])
    with open(path, "wb") as capture:
        capture.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for ms, _, _, data in frames:
            capture.write(struct.pack("<IIII", START_S + ms // 1000, ms % 1000 * 1000, len(data), len(data)) + data)
    return [(flow, index) for _, flow, index, _ in frames], flows


def run(folder, config, group, frames, flows, conversations):
    names = events()
    with open(f"{folder}/suricata.yaml", "w", encoding="utf-8") as out:
        out.write(configuration(config, group))
    with open(f"{folder}/events.rules", "w", encoding="utf-8") as out:
        for sid, name in enumerate(names, 1):
            out.write(f'alert tcp any any -> any any (msg:"{name}"; stream-event:{name}; sid:{sid};)\n')
        # As real rule sets do, so that the peer keeps the stream.
        out.write('alert tcp any any -> any any (msg:"-"; content:"no such text"; sid:999;)\n')
        out.write(f'alert tcp-pkt any any -> any any (msg:"+"; flow:established; sid:{ESTABLISHED_SID};)\n')
    eve = f"{folder}/eve.json"
    if os.path.exists(eve):
        os.unlink(eve)
    subprocess.run(["suricata", "-c", f"{folder}/suricata.yaml", "-S", f"{folder}/events.rules", "-r",
                    f"{folder}/input.pcap", "-l", folder, "-k", "none", "--runmode", "single"],
                   check=True, stdout=subprocess.DEVNULL)
    answers = [[{"state": "none", "plus": "", "events": set()} for _ in c] for c in conversations]
    latest = {}
    with open(eve, encoding="utf-8") as lines:
        for record in map(json.loads, lines):
            client = record["src_ip"] if record["src_ip"].startswith("10.") else record["dest_ip"]
            a, b, c = map(int, client.split(".")[1:])
            flow = (a << 16 | b << 8 | c) - 1
            number, count = flows[flow]
            if record["event_type"] == "flow":
                start, state = record["flow"]["start"], record.get("tcp", {}).get("state", "none")
                if flow not in latest or latest[flow] <= start:
                    latest[flow] = start
                    answers[number][count - 1]["state"] = state
            elif "pcap_cnt" in record and count == len(conversations[number]):
                answer = answers[number][frames[record["pcap_cnt"] - 1][1]]
                sid = record["alert"]["signature_id"]
                if sid == ESTABLISHED_SID:
                    answer["plus"] = "+"
                else:
                    answer["events"].add(names[sid - 1])
    return answers


def shown(answer):
    """Events of reassembly are not those of a session, but it has to be told of gaps."""
    kept = (e for e in answer["events"] if not e.startswith("reassembly_") or e == "reassembly_seq_gap")
    found = sorted(kept)
    return " ".join([answer["state"] + answer["plus"], *found])


def update(path, config, keep):
    groups, group = [], None
    with open(path, encoding="utf-8") as table:
        for line in table.read().splitlines():
            if line.startswith("## "):
                group = (line[3:], [])
                groups.append(group)
            elif line.startswith("# "):
                group[1].append((line[2:], []))
            elif line:
                segments = group[1][-1][1]
                segments.append(Segment(line, len(segments)))
    with tempfile.TemporaryDirectory() as scratch, open(path + ".new", "w", encoding="utf-8") as out:
        folder = keep or scratch
        for name, named in groups:
            conversations = [segments for _, segments in named]
            frames, flows = write_capture(f"{folder}/input.pcap", conversations)
            answers = run(folder, config, name, frames, flows, conversations)
            out.write(f"## {name}\n")
            for (title, segments), answer in zip(named, answers):
                out.write(f"# {title}\n")
                out.writelines(f"{s.text} | {shown(a)}\n" for s, a in zip(segments, answer))
    os.replace(path + ".new", path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", required=True)
    parser.add_argument("--keep", metavar="DIR", help="leave capture, rules and records of the last group there")
    parser.add_argument("tables", nargs="+")
    arguments = parser.parse_args()
    with open(arguments.config, encoding="utf-8") as text:
        config = text.read()
    for path in arguments.tables:
        update(path, config, arguments.keep)


if __name__ == "__main__":
    sys.exit(main())
