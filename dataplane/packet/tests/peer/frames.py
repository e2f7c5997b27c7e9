#!/usr/bin/env python3
"""Frames with systematic malformations, and what the peer says of each.

    frames.py RULES SURICATA_CONFIG > events.txt

asks the peer (`suricata`) once for each link type, and writes a line for each of those frames that are kept:

    LINK FRAME-IN-HEX EVENTS MARKS

EVENTS are the decoder events that the peer raised, for the packet and for packets in it, without `decoder.`,
`-` for none. MARKS: `p` rules on packet properties ran, `a` address-only rules ran, `n` no alert had addresses.
RULES is a file to write the rules to. Python 3 alone is needed. With a third argument, frames with random
bytes of that seed follow, as many as the fourth says.
"""

import json
import random
import re
import struct
import subprocess
import sys
import tempfile
from datetime import datetime
from pathlib import Path

ETH, NULL, PPP, RAW, CHDLC, SLL = 1, 0, 9, 101, 104, 113
# Frames of one link type and one answer that are written, evenly chosen; all of them with noise.
ALIKE_MAX = 10
# Time of the first frame, and from one to the next.
FIRST_S, APART_S = 1_700_000_000, 100
NAMES = Path(__file__).parents[3] / "contract/src/event/names.rs"

frames = []  # (link, bytes)


def add(link, data):
    if data and (link, data) not in seen:
        seen.add((link, data))
        frames.append((link, data))


seen = set()


def u16(n):
    return struct.pack(">H", n & 0xFFFF)


def eth(kind, data):
    return b"\x02" * 6 + b"\x04" * 6 + u16(kind) + data


def source():
    n = len(frames) + 1
    return bytes([10, 1, n >> 8 & 255, n & 255])


def v4(proto, data, options=b"", words=None, total=None, version=4, frag=0, ident=None):
    options += b"\0" * (-len(options) % 4) if words is None else b""
    words = 5 + len(options) // 4 if words is None else words
    total = 20 + len(options) + len(data) if total is None else total
    ident = len(frames) + 1 if ident is None else ident
    head = bytes([version << 4 | words, 0]) + u16(total) + u16(ident) + u16(frag)
    head += bytes([64, proto]) + b"\0\0" + source() + bytes([10, 2, 0, 1])
    return head + options + data


def v6(proto, data, length=None, version=6, hops=64):
    length = len(data) if length is None else length
    n = len(frames) + 1
    head = bytes([version << 4, 0, 0, 0]) + u16(length) + bytes([proto, hops])
    return head + bytes.fromhex("20010db8") + b"\1" * 8 + struct.pack(">I", n) + bytes.fromhex("20010db8") + b"\2" * 12 + data


def tcp(options=b"", words=None, data=b"abcdefgh"):
    options += b"\0" * (-len(options) % 4)
    words = 5 + len(options) // 4 if words is None else words
    return u16(1000) + u16(2000) + bytes(8) + bytes([words << 4, 0x10]) + u16(1024) + bytes(4) + options + data


def udp(data=b"abcdefgh", length=None, dport=2000, sport=1000):
    length = 8 + len(data) if length is None else length
    return u16(sport) + u16(dport) + u16(length) + b"\0\0" + data


def links():
    whole = v4(17, udp())
    for n in range(1, 15):
        add(ETH, eth(0x0800, b"")[:n])
    for kind in [0, 100, 0x0806, 0x0800, 0x86DD, 0x8035, 0x88CC, 0x9200, 0xFFFF, 0x6558]:
        add(ETH, eth(kind, whole))
        add(ETH, eth(0x8100, u16(5) + u16(kind) + whole))
        add(ETH, eth(0x8926, bytes(4) + u16(kind) + whole))
        add(ETH, eth(0x88E7, bytes(16) + u16(kind) + whole))
        add(SLL, bytes(14) + u16(kind) + whole)
        add(CHDLC, b"\x0f\0" + u16(kind) + whole)
        add(ETH, eth(0x8903, u16(9) + eth(kind, whole)))
        add(ETH, eth(0x6558, eth(kind, whole)))
    for tags in range(1, 6):
        add(ETH, eth(0x8100, (u16(7) + u16(0x8100)) * (tags - 1) + u16(7) + u16(0x0800) + whole))
        add(ETH, eth(0x88A8, (u16(7) + u16(0x88A8)) * (tags - 1) + u16(7) + u16(0x0801) + whole))
    for n in range(0, 20):
        add(ETH, eth(0x8100, (u16(5) + u16(0x0800) + whole)[:n]))
        add(ETH, eth(0x8926, (bytes(4) + u16(0x0800) + whole)[:n]))
        add(ETH, eth(0x88E7, (bytes(16) + u16(0x0800) + whole)[:n]))
        add(ETH, eth(0x8903, (u16(9) + eth(0x0800, whole))[:n]))
        add(ETH, eth(0x6558, eth(0x0800, whole)[:n]))
        add(SLL, (bytes(14) + u16(0x0800) + whole)[: n + 1])
        add(CHDLC, (b"\x0f\0" + u16(0x0800) + whole)[: n + 1])
    for n in range(2, 20):
        add(ETH, eth(0x6558, eth(0x6558, b"") * n + eth(0x0800, whole)))
        add(ETH, eth(0x8903, (u16(9) + eth(0x8903, b"")) * (n // 2) + u16(9) + eth(0x0800, whole)))
    for family in list(range(0, 34)) + [0x02000000, 0x1E000000, 65536, 0x00020000]:
        add(NULL, struct.pack("<I", family) + (whole if family < 3 else v6(17, udp())))
    for n in range(1, 30):
        add(NULL, (struct.pack("<I", 2) + whole)[:n])
        add(RAW, whole[:n])
    for version in range(16):
        add(RAW, v4(17, udp(), version=version))
        add(RAW, v6(17, udp(), version=version))


def mpls():
    whole = v4(17, udp())
    entry = lambda label, bottom: struct.pack(">I", label << 12 | bottom << 8 | 64)
    for label in list(range(0, 18)) + [100, 1048575]:
        add(ETH, eth(0x8847, entry(label, 1) + whole))
        add(ETH, eth(0x8848, entry(label, 0) + entry(200, 1) + v6(17, udp())))
        add(ETH, eth(0x8847, entry(label, 1) + v6(17, udp())))
    for first in range(16):
        add(ETH, eth(0x8847, entry(200, 1) + bytes([first << 4]) + whole[1:]))
    for n in range(0, 12):
        add(ETH, eth(0x8847, (entry(100, 0) + entry(200, 1) + whole)[:n]))
        add(ETH, eth(0x8847, (entry(200, 1) + bytes(4) + eth(0x0800, whole))[: n * 3]))
        add(ETH, eth(0x8847, (entry(200, 1) + whole)[: 4 + n]))
    for n in range(1, 20):
        add(ETH, eth(0x8847, entry(100, 0) * n + entry(200, 1) + whole))


PPP_PROTOCOLS = [
    0x0001, 0x0021, 0x0023, 0x0025, 0x0027, 0x0029, 0x002B, 0x002D, 0x002F, 0x0031, 0x0033, 0x0035,
    0x0037, 0x0039, 0x003B, 0x003D, 0x003F, 0x0041, 0x0043, 0x0045, 0x0047, 0x0049, 0x004B, 0x004D,
    0x004F, 0x0053, 0x0055, 0x0057, 0x0059, 0x00FD, 0x00FB, 0x8021, 0x8023, 0x8025, 0x8027, 0x8029,
    0x802B, 0x802D, 0x802F, 0x8031, 0x803F, 0x8049, 0x804F, 0x8057, 0x80FB, 0x80FD, 0xC021, 0xC023,
    0xC025, 0xC027, 0xC223, 0xC227, 0x0281, 0x0283, 0x0201, 0x8281, 0x0000, 0xFFFF, 0x00CF, 0x005D,
    0x0203, 0x0205, 0x0207, 0x0209, 0x020B, 0x020D, 0x4021, 0xC029, 0xC02B, 0xC081, 0xC229, 0xC481,
]


def ppp():
    for proto in PPP_PROTOCOLS:
        data = v6(17, udp()) if proto == 0x57 else v4(17, udp())
        pppoe = lambda inner, code=0: bytes([0x11, code]) + u16(1) + u16(len(inner)) + inner
        for head in [b"\xff\x03", b""]:
            add(PPP, head + u16(proto) + data)
            if proto < 256 and proto & 1:
                add(PPP, head + bytes([proto]) + data)
                add(PPP, head + bytes([proto]) + data[:18])
        add(ETH, eth(0x8864, pppoe(u16(proto) + data)))
        add(ETH, eth(0x8864, pppoe(u16(proto) + data[:18])))
        if proto < 256 and proto & 1:
            add(ETH, eth(0x8864, pppoe(bytes([proto]) + data)))
            add(ETH, eth(0x8864, pppoe(bytes([proto]) + data[:18])))
    for data in [v4(17, udp()), v6(17, udp())]:
        proto = 0x21 if data[0] >> 4 == 4 else 0x57
        for other in [0x21, 0x57, 0x2F]:
            add(PPP, b"\xff\x03" + u16(other) + data)
            add(ETH, eth(0x8864, b"\x11\0" + u16(1) + u16(50) + u16(other) + data))
        for n in range(0, 50, 3):
            add(PPP, (b"\xff\x03" + u16(proto) + data)[:n])
            add(PPP, (bytes([proto]) + data)[:n])
            add(ETH, eth(0x8864, (b"\x11\0" + u16(1) + u16(50) + u16(proto) + data)[:n]))
        for n in range(1, 12):
            add(PPP, (b"\xff\x03" + u16(proto) + data)[:n])
            add(ETH, eth(0x8864, (b"\x11\0" + u16(1) + u16(50) + u16(proto) + data)[:n]))
    for address in [b"\xff\0", b"\xfe\x03", b"\0\x03", b"\xff\x04", b"\xff\x03\xff\x03"]:
        add(PPP, address + u16(0x21) + v4(17, udp()))
    for code in [0, 1, 7, 9, 0x19, 0x65, 0xA7, 0xFF]:
        for kind in [0x11, 0x21, 0x12, 0]:
            add(ETH, eth(0x8864, bytes([kind, code]) + u16(1) + u16(46) + u16(0x21) + v4(17, udp())))
            add(ETH, eth(0x8863, bytes([kind, code]) + u16(0) + u16(4) + u16(0x0101) + u16(0)))
    for length in [0, 1, 2, 10, 45, 46, 47, 1000]:
        add(ETH, eth(0x8864, b"\x11\0" + u16(1) + u16(length) + u16(0x21) + v4(17, udp())))
    tag = lambda kind, data, length=None: u16(kind) + u16(len(data) if length is None else length) + data
    tags = [b"", tag(0x0101, b""), tag(0x0103, b"abcd") + tag(0, b""), tag(0x0103, b"abcd", 5), tag(1, b"a" * 9, 8), b"\1\2\3"]
    for body in tags:
        for length in sorted({0, 1, 3, 4, 5, len(body), len(body) + 1, max(len(body) - 1, 0), 40}):
            for tail in [b"", bytes(3), bytes(20)]:
                add(ETH, eth(0x8863, b"\x11\x09" + u16(0) + u16(length) + body + tail))
    for n in range(0, 12):
        add(ETH, eth(0x8863, (b"\x11\x09" + u16(0) + u16(4) + u16(0x0101) + u16(0))[:n]))


def nsh():
    def head(version=0, words=6, kind=1, proto=1):
        return bytes([version << 6, words, kind, proto]) + bytes([0, 0, 1, 255]) + bytes(16)

    whole = v4(17, udp())
    payload = {1: whole, 2: v6(17, udp()), 3: eth(0x0800, whole)}
    for proto in list(range(0, 8)) + [0xFE, 0xFF]:
        add(ETH, eth(0x894F, head(proto=proto) + payload.get(proto, whole)))
    for kind in range(0, 32):
        add(ETH, eth(0x894F, head(kind=kind) + whole))
    for version in range(4):
        for words in [0, 1, 2, 6]:
            add(ETH, eth(0x894F, head(version=version, words=words, kind=0) + whole))
            add(ETH, eth(0x894F, head(version=version, words=words) + whole))
    for words in range(0, 30):
        add(ETH, eth(0x894F, head(words=words) + whole))
        add(ETH, eth(0x894F, head(words=words, kind=2, proto=9) + whole))
    for n in range(0, 40, 2):
        add(ETH, eth(0x894F, (head() + whole)[:n]))
        add(ETH, eth(0x894F, (head(kind=0, proto=9) + whole)[:n]))


def ipv4():
    for n in range(0, 28):
        add(ETH, eth(0x0800, v4(17, udp())[:n]))
    for version in range(16):
        add(ETH, eth(0x0800, v4(17, udp(), version=version)))
    for words in range(16):
        add(ETH, eth(0x0800, v4(17, udp(), words=words)))
        add(ETH, eth(0x0800, v4(17, udp(bytes(60)), words=words)))
    for total in [0, 19, 20, 21, 27, 28, 29, 35, 36, 37, 1000]:
        add(ETH, eth(0x0800, v4(17, udp(), total=total)))
        add(ETH, eth(0x0800, v4(6, tcp(), total=total)))
    for proto in [0, 1, 2, 4, 41, 44, 47, 50, 51, 58, 59, 60, 103, 112, 115, 132, 136, 200, 255]:
        add(ETH, eth(0x0800, v4(proto, b"")))
        add(ETH, eth(0x0800, v4(proto, bytes(2))))
        add(ETH, eth(0x0800, v4(proto, bytes(40))))
        add(ETH, eth(0x0800, v4(proto, bytes(range(0x40, 0x60)), frag=0x2000)))
        add(ETH, eth(0x0800, v4(proto, udp(), options=b"\x07\x03\x04")))
    kinds = [0, 1, 2, 7, 10, 25, 68, 82, 130, 131, 133, 134, 136, 137, 142, 148, 149, 205, 255]
    for kind in kinds:
        for length in [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 40]:
            body = bytes([kind, length]) + b"\x04" * max(length - 2, 0)
            body = body[:36]
            if len(body) % 4 and length < 40:
                add(ETH, eth(0x0800, v4(17, udp(), options=b"\1" * (-len(body) % 4) + body)))
            add(ETH, eth(0x0800, v4(17, udp(), options=body)))
        add(ETH, eth(0x0800, v4(17, udp(), options=b"\1\1\1" + bytes([kind]))))
        twice = {25: 8, 130: 11, 136: 4, 148: 4, 133: 4, 68: 8, 134: 10}.get(kind, 7)
        value = b"\x05\0" if kind == 68 else (b"\0\0\0\1\2\4\0\0" if kind == 134 else b"\x04")
        once = bytes([kind, twice]) + (value + bytes(20))[: twice - 2]
        add(ETH, eth(0x0800, v4(17, udp(), options=once)))
        add(ETH, eth(0x0800, v4(17, udp(), options=once + once)))
        add(ETH, eth(0x0800, v4(17, udp(), options=once + once + b"\1" * (-2 * len(once) % 8))))
        add(ETH, eth(0x0800, v4(17, udp(), options=bytes([kind, 2]) + once)))
    for kind in [7, 131, 137]:
        for pointer in list(range(0, 20)) + [255]:
            add(ETH, eth(0x0800, v4(17, udp(), options=bytes([kind, 11, pointer]) + bytes(8) + b"\1" * 5)))
    for pointer in list(range(0, 22)) + [255]:
        for flags in [0, 1, 2, 3, 0x10, 0x11, 0x13]:
            add(ETH, eth(0x0800, v4(17, udp(), options=bytes([68, 16, pointer, flags]) + bytes(12))))
    add(ETH, eth(0x0800, v4(17, udp(), options=bytes([68, 16, 9, 0, 0, 1, 0, 3]) + bytes(8))))
    add(ETH, eth(0x0800, v4(17, udp(), options=bytes([68, 16, 9, 0, 0, 3, 0, 0]) + bytes(8))))
    for kind in list(range(0, 10)) + [128, 255]:
        for length in range(0, 12):
            tag = bytes([kind, length, 0, 1]) + bytes(6)
            add(ETH, eth(0x0800, v4(17, udp(), options=bytes([134, 16, 0, 0, 0, 1]) + tag)))
            tag = bytes([kind, length, 1, 1]) + bytes(6)
            add(ETH, eth(0x0800, v4(17, udp(), options=bytes([134, 16, 0, 0, 0, 1]) + tag)))
    add(ETH, eth(0x0800, v4(17, udp(), options=bytes([134, 14, 0, 0, 0, 1]) + bytes([1, 4, 0, 1, 2, 4, 0, 1, 0, 0]))))
    add(ETH, eth(0x0800, v4(17, udp(), options=bytes([134, 15, 0, 0, 0, 1]) + bytes([1, 4, 0, 1, 2, 4, 0, 1, 1, 0]))))
    for value in [b"\0\0", b"\1\1", bytes([148, 4]), bytes([148, 4, 0]), bytes([0, 5, 5, 5])]:
        for front in range(0, 5):
            add(ETH, eth(0x0800, v4(17, udp(), options=b"\1" * front + value)))


def ipv6():
    for n in range(0, 50, 1):
        add(ETH, eth(0x86DD, v6(17, udp())[:n]))
    for version in range(16):
        add(ETH, eth(0x86DD, v6(17, udp(), version=version)))
    for length in [0, 1, 7, 8, 9, 15, 16, 17, 1000]:
        add(ETH, eth(0x86DD, v6(17, udp(), length=length)))
        add(ETH, eth(0x86DD, v6(6, tcp(), length=length)))
    extensions = [0, 43, 44, 51, 60, 135, 139, 140]
    for proto in extensions + [1, 2, 4, 41, 47, 50, 58, 59, 6, 17, 132, 103, 200, 253, 255]:
        for body in [b"", bytes(1), bytes(2), bytes(7), bytes(8), bytes(24), bytes([59, 0]) + bytes(6), bytes([59, 0]) + bytes(7), bytes([17, 0, 1, 4, 0, 0, 0, 0]) + udp(), bytes([17, 9]) + bytes(14)]:
            add(ETH, eth(0x86DD, v6(proto, body)))
            pad = bytes([proto, 0, 1, 4, 0, 0, 0, 0])
            add(ETH, eth(0x86DD, v6(60, pad + body)))
    for first in extensions:
        for second in extensions:
            a = bytes([second, 1 if first == 51 else 0, 0, 0]) + bytes([0] * 4)
            a += bytes(4) if first == 51 else b""
            b = bytes([17, 1 if second == 51 else 0, 0, 0]) + bytes([0] * 4)
            b += bytes(4) if second == 51 else b""
            add(ETH, eth(0x86DD, v6(first, a + b + udp())))
            add(ETH, eth(0x86DD, v6(first, a + bytes([first]) + b[1:] + bytes([17]) + a[1:] + udp())))
    for count in range(1, 5):
        for number in [0, 43, 60, 135]:
            one = bytes([number, 0, 1, 4, 0, 0, 0, 0])
            add(ETH, eth(0x86DD, v6(number, one * (count - 1) + bytes([17]) + one[1:] + udp())))
    for kind in [0, 1, 2, 4, 5, 7, 38, 63, 139, 194, 195, 201, 255]:
        for length in list(range(0, 8)) + [12, 14, 15, 16, 20, 22, 23]:
            for number in [0, 60]:
                option = bytes([kind, length]) + bytes(length)
                option += bytes(-(len(option) + 2) % 8)
                body = bytes([17, (len(option) + 2) // 8 - 1]) + option
                add(ETH, eth(0x86DD, v6(number, body + udp())))
                if length in (4, 6):
                    pad = bytes([1, 0]) if length == 6 else b"\0\0\0\0\0"
                    option = bytes([kind, length - 2]) + bytes(length - 2) + pad
                    option += bytes([kind, 200])
                    option += bytes(-(len(option) + 2) % 8)
                    body = bytes([17, (len(option) + 2) // 8 - 1]) + option
                    add(ETH, eth(0x86DD, v6(number, body + udp())))
    for kind in [0, 1, 2, 3, 4]:
        for left in [0, 1, 2]:
            add(ETH, eth(0x86DD, v6(43, bytes([17, 0, kind, left]) + bytes(4) + udp())))
            add(ETH, eth(0x86DD, v6(43, bytes([17, 2, kind, left]) + bytes(20) + udp())))
    for length in range(0, 8):
        for reserved in [0, 1]:
            add(ETH, eth(0x86DD, v6(51, bytes([17, length, 0, reserved]) + bytes(8) + udp(bytes(30)))))
    for field in [0, 1, 2, 4, 6, 8, 9, 0xFFF8, 0xFFF9]:
        for reserved in [0, 7]:
            for size in [0, 1, 7, 8, 9, 16, 20]:
                body = bytes([17, reserved]) + u16(field) + struct.pack(">I", len(frames)) + bytes(size)
                add(ETH, eth(0x86DD, v6(44, body)))
                add(ETH, eth(0x86DD, v6(0, bytes([44, 0, 1, 4, 0, 0, 0, 0]) + body)))


def transports():
    for n in range(0, 24):
        add(ETH, eth(0x0800, v4(6, tcp()[:n])))
        add(ETH, eth(0x0800, v4(17, udp()[:n])))
        add(ETH, eth(0x0800, v4(1, (bytes([8, 0, 0, 0]) + bytes(20))[:n])))
        add(ETH, eth(0x0800, v4(1, (bytes([13, 0, 0, 0]) + bytes(20))[:n])))
        add(ETH, eth(0x0800, v4(132, (u16(1) + u16(2) + bytes(20))[:n])))
        add(ETH, eth(0x0800, v4(50, bytes(20)[:n])))
        add(ETH, eth(0x86DD, v6(6, tcp()[:n])))
        add(ETH, eth(0x86DD, v6(17, udp()[:n])))
        add(ETH, eth(0x86DD, v6(58, (bytes([128, 0, 0, 0]) + bytes(20))[:n])))
        add(ETH, eth(0x86DD, v6(132, (u16(1) + u16(2) + bytes(20))[:n])))
        add(ETH, eth(0x86DD, v6(50, bytes(20)[:n])))
    for words in range(16):
        add(ETH, eth(0x0800, v4(6, tcp(words=words))))
        add(ETH, eth(0x0800, v4(6, tcp(words=words, data=bytes(60)))))
    for length in [0, 1, 7, 8, 9, 15, 16, 17, 18, 100, 65535]:
        add(ETH, eth(0x0800, v4(17, udp(length=length))))
        add(ETH, eth(0x0800, v4(17, udp(length=length)) + bytes(10)))
        add(ETH, eth(0x86DD, v6(17, udp(length=length))))
    for kind in [0, 1, 2, 3, 4, 5, 6, 8, 14, 19, 27, 28, 29, 30, 34, 69, 253, 254, 255]:
        for length in list(range(0, 21)) + [26, 34, 35, 40]:
            option = (bytes([kind, length]) + (b"\xf9\x89" + bytes(40)))[: max(length, 2)]
            add(ETH, eth(0x0800, v4(6, tcp(options=option[:40]))))
            add(ETH, eth(0x0800, v4(6, tcp(options=(option + option)[:40]))))
        add(ETH, eth(0x0800, v4(6, tcp(options=b"\1\1\1" + bytes([kind])))))
        add(ETH, eth(0x0800, v4(6, tcp(options=bytes([kind, 3, 9, 2, 4, 5, 180, 2])))))


def icmp():
    quote = v4(17, udp())
    quote6 = v6(17, udp())
    for kind in range(256):
        for code in [0, 1, 2, 3, 4, 6, 7, 8, 15, 16, 17, 255]:
            if code in (0, 1) or kind in (3, 5, 9, 11, 12, 40, 42, 43):
                add(ETH, eth(0x0800, v4(1, bytes([kind, code]) + bytes(6) + quote)))
            if code in (0, 1) or kind in (1, 2, 3, 4, 138, 139, 140):
                add(ETH, eth(0x86DD, v6(58, bytes([kind, code]) + bytes(6) + quote6)))
        if kind >= 128 and kind < 160:
            add(ETH, eth(0x86DD, v6(58, bytes([kind, 0]) + bytes(20), hops=1)))
            add(ETH, eth(0x86DD, v6(58, bytes([kind, 3]) + bytes(20), hops=255)))
    for kind in [3, 4, 5, 11, 12]:
        for n in range(0, 36, 1):
            add(ETH, eth(0x0800, v4(1, bytes([kind, 0]) + bytes(6) + quote[:n])))
        for version in [0, 5, 6, 15]:
            add(ETH, eth(0x0800, v4(1, bytes([kind, 0]) + bytes(6) + bytes([version << 4 | 5]) + quote[1:])))
        for words in [0, 4, 6, 15]:
            add(ETH, eth(0x0800, v4(1, bytes([kind, 0]) + bytes(6) + bytes([4 << 4 | words]) + quote[1:])))
    for kind in [1, 2, 3, 4]:
        for n in range(0, 56, 3):
            add(ETH, eth(0x86DD, v6(58, bytes([kind, 0]) + bytes(6) + quote6[:n])))
        for version in [0, 4, 5, 15]:
            add(ETH, eth(0x86DD, v6(58, bytes([kind, 0]) + bytes(6) + bytes([version << 4]) + quote6[1:])))
        for proto in [0, 1, 6, 17, 43, 44, 58, 59, 60, 132, 200]:
            add(ETH, eth(0x86DD, v6(58, bytes([kind, 0]) + bytes(6) + v6(proto, bytes(16)))))
    for proto in [1, 6, 17, 58, 132, 47, 200]:
        for size in [0, 3, 4, 7, 8, 19, 20]:
            add(ETH, eth(0x0800, v4(1, bytes([3, 0]) + bytes(6) + v4(proto, bytes(size)))))


def tunnels():
    whole = v4(17, udp())
    inners = {0x0800: whole, 0x86DD: v6(17, udp()), 0x6558: eth(0x0800, whole), 0x8100: u16(5) + u16(0x0800) + whole, 0x880B: b"\xff\x03\0\x21" + whole, 0x88BE: eth(0x0800, whole), 0x22EB: bytes([0x20, 0]) + bytes(10) + eth(0x0800, whole), 0x8847: struct.pack(">I", 200 << 12 | 0x100) + whole, 0x0806: bytes(28)}

    def gre(flags, kind, inner):
        fields = 4 * (bool(flags & 0xC000) + bool(flags & 0x2000) + bool(flags & 0x1000) + (flags & 7 == 1 and bool(flags & 0x80)))
        return u16(flags) + u16(kind) + bytes(fields) + inner

    for kind, inner in inners.items():
        for flags in [0, 1, 2, 0x2001, 0x3001, 0x3081, 0x2000, 0x1000, 0x8000, 0x3000]:
            add(ETH, eth(0x0800, v4(47, gre(flags, kind, inner))))
            add(ETH, eth(0x86DD, v6(47, gre(flags, kind, inner))))
    for bit in range(16):
        for base in [0, 1, 0x2001, 0x3001]:
            add(ETH, eth(0x0800, v4(47, gre(base ^ 1 << bit, 0x880B if base else 0x0800, inners[0x880B] if base else whole))))
    for n in range(0, 30):
        add(ETH, eth(0x0800, v4(47, gre(0, 0x0800, whole)[:n])))
        add(ETH, eth(0x0800, v4(47, gre(0xB000, 0x0800, whole)[:n])))
        add(ETH, eth(0x0800, v4(47, gre(0x3081, 0x880B, inners[0x880B])[:n])))
        add(ETH, eth(0x0800, v4(47, gre(0x1000, 0x88BE, bytes([0x10, 5]) + bytes(6) + inners[0x88BE])[:n])))
        routes = bytes([0, 1, 0, 4, 9, 9, 9, 9, 0, 0, 0, 0])
        add(ETH, eth(0x0800, v4(47, gre(0x4000, 0x0800, routes + whole)[:n])))
    for length in [0, 1, 4, 30, 200, 255]:
        add(ETH, eth(0x0800, v4(47, gre(0x4000, 0x0800, bytes([0, 1, 0, length]) + bytes(8) + whole))))
    for depth in range(1, 9):
        for outer in [4, 47]:
            inner = v4(17, udp())
            for _ in range(depth):
                inner = v4(outer, (gre(0, 0x0800, inner) if outer == 47 else inner))
            add(ETH, eth(0x0800, inner))
            add(ETH, eth(0x8100, u16(5) + u16(0x0800) + inner))
            add(RAW, inner)
        inner = v6(17, udp())
        for _ in range(depth):
            inner = v6(41, inner)
        add(ETH, eth(0x86DD, inner))
    for outer, family in [(4, v4), (41, v4), (4, v6), (41, v6)]:
        kind = 0x0800 if family is v4 else 0x86DD
        for inner in [v4(17, udp()), v6(17, udp()), v4(6, tcp(words=3)), v4(17, udp(), options=b"\x07\x28\4"), v4(17, udp(), version=5), b"", bytes(4), bytes(30), bytes([0x45] * 30), bytes([0x60] * 60)]:
            add(ETH, eth(kind, family(outer, inner)))
        for n in range(0, 46, 3):
            add(ETH, eth(kind, family(outer, (v4 if outer == 4 else v6)(17, udp())[:n])))
    for flags in [0, 8, 0x88]:
        for last in [0, 1]:
            for inner in [eth(kind, whole) for kind in [0x0800, 0x86DD, 0x8100, 0x0806, 0x6558, 0x894F]] + [b"", bytes(13), bytes(14), eth(0x86DD, v6(17, udp())), eth(0x0800, v4(6, tcp(words=2)))]:
                head = bytes([flags, 0, 0, 0, 0, 0, 1, last])
                add(ETH, eth(0x0800, v4(17, udp(head + inner, dport=4789))))
    for first in [0, 1, 0x40, 0x3F]:
        for kind in [0x0800, 0x86DD, 0x6558, 0x8100, 0x0806, 0x880B, 0]:
            for inner in [whole, v6(17, udp()), eth(0x0800, whole), eth(0x0806, bytes(28)), b""]:
                head = bytes([first, 0]) + u16(kind) + bytes([0, 0, 1, 0]) + bytes(4 * (first & 1))
                add(ETH, eth(0x0800, v4(17, udp(head + inner, dport=6081))))
    for inner in [v6(17, udp()), v6(58, bytes([128, 0]) + bytes(10)), v6(58, bytes([7, 0]) + bytes(10)), v6(59, b""), v6(200, bytes(8))]:
        for head in [b"", bytes(8), bytes([0, 1]) + bytes(11)]:
            add(ETH, eth(0x0800, v4(17, udp(head + inner, dport=3544))))


def noise(seed, count):
    rng = random.Random(seed)
    bases = list(frames)
    while count:
        link, data = rng.choice(bases)
        data = bytearray(data)
        for _ in range(rng.randint(1, 3)):
            data[rng.randrange(min(len(data), 90))] = rng.choice([0, 1, 2, 4, 0x45, 0xFF, rng.randrange(256)])
        if rng.random() < 0.3:
            data = data[: rng.randint(1, len(data))]
        if (link, bytes(data)) not in seen:
            add(link, bytes(data))
            count -= 1


def ask(rules, config):
    """The sids that the peer raised for each frame, and whether an alert of it had no addresses."""
    found = [[] for _ in frames]
    for link in sorted({link for link, _ in frames}):
        places = [place for place, (own, _) in enumerate(frames) if own == link]
        with tempfile.TemporaryDirectory() as folder:
            capture = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link)
            for number, place in enumerate(places):
                data = frames[place][1]
                # Apart in time, so that no fragment waits for another.
                capture += struct.pack("<IIII", FIRST_S + number * APART_S, 0, len(data), len(data)) + data
            Path(folder, "in.pcap").write_bytes(capture)
            command = ["suricata", "-c", config, "-S", rules, "-r", f"{folder}/in.pcap", "-l", folder]
            subprocess.run(command + ["-k", "none", "--runmode", "single"], check=True, stdout=sys.stderr)
            for line in Path(folder, "eve.json").read_text().splitlines():
                event = json.loads(line)
                if event["event_type"] == "alert":
                    # Alerts of carried packets have no number: the time tells.
                    time = datetime.strptime(event["timestamp"], "%Y-%m-%dT%H:%M:%S.%f%z").timestamp()
                    place = places[round(time - FIRST_S) // APART_S]
                    found[place].append((event["alert"]["signature_id"], "src_ip" in event))
    return found


def main():
    for part in (links, mpls, ppp, nsh, ipv4, ipv6, transports, icmp, tunnels):
        part()
    if len(sys.argv) > 3:
        noise(int(sys.argv[3]), int(sys.argv[4]))
    names = re.findall(r'"decoder\.([^"]+)"', NAMES.read_text())
    rules = [f'alert pkthdr any any -> any any (msg:"{name}"; decode-event:{name}; sid:{sid};)' for sid, name in enumerate(names, 1)]
    rules.append('alert ip any any -> any any (msg:"p"; ttl:!77; sid:1001;)')
    rules.append('alert ip any any -> any any (msg:"a"; sid:1002;)')
    Path(sys.argv[1]).write_text("\n".join(rules) + "\n")
    rows = {}
    for (link, data), hits in zip(frames, ask(sys.argv[1], sys.argv[2])):
        sids = {sid for sid, _ in hits}
        events = ",".join(names[sid - 1] for sid in sorted(sids) if sid <= len(names)) or "-"
        marks = ("p" if 1001 in sids else "") + ("a" if 1002 in sids else "")
        marks += "n" if hits and not any(addresses for _, addresses in hits) else ""
        rows.setdefault((link, events, marks or "-"), []).append(data)
    for (link, events, marks), alike in rows.items():
        step = max(len(alike) / ALIKE_MAX, 1) if len(sys.argv) <= 3 else 1
        for place in range(min(len(alike), len(alike) if step == 1 else ALIKE_MAX)):
            print(link, alike[int(place * step)].hex(), events, marks)


main()
