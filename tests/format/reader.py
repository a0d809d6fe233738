#!/usr/bin/env python3
"""An independent reader of whotalks snapshots, written from snapshots/FORMAT.md alone.

    reader.py counts FILE   what the file holds, as JSON
    reader.py dump FILE     every byte of a small file, explained

It exists to show that the document suffices: it shares nothing with the other reader, keeps to the
order of the document, and must not be corrected by looking at that reader's code. It knows Linux as
far as counting needs it. Needs Python 3.9 and the package zstandard.
"""

import collections
import json
import re
import struct
import sys
import zlib

import zstandard

MAGIC = b"\x89WTK\r\n\x1a\n"
MARKER = b"\xb7BLK"
TEXT_MODE = [b"\x89WTK", b"\x09WTK", b"\xc2\x89WTK", b"\xef\xbf\xbdWTK", b"?WTK"]
BLOCK_LIMIT = 16 << 20
HOST, END, BUNDLE, PROCESSES, DESCRIPTORS, FDINFO, WAITS = 0x01, 0x02, 0x03, 0x10, 0x11, 0x12, 0x13
NAMESPACES, RAW, USERS, PATHS = 0x20, 0x21, 0x30, 0x31

# The records' fields, as in the document's tables.
FIELDS = {
    "Host": "hostname:bytes boot_id:bytes machine_id:bytes uname:bytes os_release:bytes byte_order:u8 "
            "pointer_bits:u8 page_bytes:u32 ticks_per_second:u32 started_realtime_ns:u64 "
            "started_boottime_ns:u64 euid:u32 egid:u32 capabilities:u64 collector:bytes arguments:bytes "
            "note:option_bytes pidns:u64 netns:u64 mntns:u64 userns:u64 collector_pid:u32",
    "CaptureEnd": "ended_realtime_ns:u64 ended_boottime_ns:u64 processes_seen:u64 processes_vanished:u64 "
                  "descriptors:u64 unix_sockets:u64 processes_denied:u64 processes_partial:u64 "
                  "second_look:u8 descriptors_boottime_ns:u64 tables_boottime_ns:u64 started_realtime_ns:u64",
    "ReadError": "what:bytes errno:u16",
    "Process": "pid:u32 via_tid:u32 stat:bytes status:bytes cgroup:bytes cmdline:bytes exe:bytes "
               "exe_nlink:option_u32 exe_dev:u64 exe_ino:u64 cwd:bytes root:bytes netns:u64 mntns:u64 "
               "pidns:u64 userns:u64 cgroupns:u64 limits:bytes at_boottime_ns:u64 errors:list_ReadError",
    "DescriptorTable": "pid:u32 tid:u32 pass:u8 part:u32 last:bool errno:u16 at_boottime_ns:u64 "
                       "vanished:u32 fds:bytes kinds:bytes numbers:bytes access:bytes texts:bytes",
    "DescriptorInfo": "pid:u32 tid:u32 fd:u32 text:bytes errno:u16",
    "Wait": "pid:u32 tid:u32 syscall:bytes syscall_errno:u16 wchan:bytes wchan_errno:u16 comm:bytes "
            "memory:bytes memory_errno:u16 ns_tid:u32",
    "Netns": "inode:u64 cookie:option_u64 found_by:bytes pid:u32 path:bytes own:bool enter_errno:u16",
    "RawHeader": "source:bytes netns:u64 mntns:u64 pid:u32 pass:u8 part:u32 last:bool errno:u16 flags:u32 "
                 "at_boottime_ns:u64 key:u64 attempt:u8",
    "User": "uid:u32 name:bytes",
    "BoundPath": "mntns:u64 pid:u32 path:bytes found_by:bytes errno:u16 dev:u64 ino:u64 mode:u32 uid:u32 "
                 "gid:u32 nlink:u32 parent_modes:bytes",
}
RECORDS = {HOST: "Host", END: "CaptureEnd", PROCESSES: "Process", DESCRIPTORS: "DescriptorTable",
           FDINFO: "DescriptorInfo", WAITS: "Wait", NAMESPACES: "Netns", USERS: "User", PATHS: "BoundPath"}


class Bad(Exception):
    """Bytes that are not as the document has them."""


# Layout


class Block(collections.namedtuple("Block", "kind codec sequence capture base stored decoded offset payload")):
    """An intact block header, and its stored payload."""


def file_header(data):
    if not data.startswith(MAGIC[:len(data[:8])]) or not data:
        if any(data.startswith(start) for start in TEXT_MODE):
            raise Bad("transferred as if it were text")
        raise Bad("not a snapshot")
    if len(data) < 24:
        raise Bad("cut inside its header")
    major, minor, mark, _, crc = struct.unpack_from("<HHIII", data, 8)
    if zlib.crc32(data[:20]) != crc:
        raise Bad("header damaged")
    if major != 1:
        raise Bad(f"format {major} is not known")
    return minor, mark


def block_header(data, at, mark):
    """The block whose intact header begins here, its payload None where it is cut or damaged."""
    header = data[at:at + 40]
    if len(header) < 40 or header[:4] != MARKER:
        return None
    (kind, codec, _, sequence, capture, base, stored, decoded, its_mark, payload_crc,
     header_crc) = struct.unpack_from("<HBBIIIIIIII", header, 4)
    if zlib.crc32(header[:36]) != header_crc or its_mark != mark:
        return None
    payload = data[at + 40:at + 40 + stored] if stored <= BLOCK_LIMIT else b""
    if len(payload) != stored or zlib.crc32(payload) != payload_crc:
        payload = None
    return Block(kind, codec, sequence, capture, base, stored, decoded, at, payload)


def blocks(data, mark, damage):
    """The whole blocks; what is not whole is appended to `damage`."""
    at, last, ended = 24, -1, False
    while at < len(data):
        block = block_header(data, at, mark)
        if block and block.payload is not None:
            at += 40 + block.stored
            if block.sequence <= last:
                damage.append(f"block {block.sequence} is out of order")
                continue
            if block.sequence > last + 1:
                damage.append(f"{block.sequence - last - 1} blocks are missing")
            last, ended = block.sequence, block.kind == END
            yield block
            continue
        start = at
        at = at + 40 if block else at
        while True:
            at = data.find(MARKER, at)
            if at < 0 or block_header(data, at, mark):
                break
            at += 1
        at = len(data) if at < 0 else at
        if block:
            damage.append(f"block {block.sequence} is cut or damaged")
            last = max(last, block.sequence)
        else:
            damage.append(f"{at - start} bytes belong to no block")
    if not ended:
        damage.append("the capture is not complete")


def inflate(stored, limit, prefix=None):
    kind = zstandard.DICT_TYPE_RAWCONTENT
    before = prefix and zstandard.ZstdCompressionDict(prefix, dict_type=kind)
    if prefix is not None and not zstandard.get_frame_parameters(stored).has_checksum:
        raise Bad("a prefixed frame without a checksum")
    # The frame's own content size could be a lie: output is bounded by what is read of it.
    with zstandard.ZstdDecompressor(dict_data=before).stream_reader(stored) as frame:
        out = frame.read(limit + 1)
    if len(out) > limit:
        raise Bad("decodes to more than it may")
    return out


class Decoder:
    """Decodes blocks in the file's order."""

    def __init__(self):
        self.key = None

    def decode(self, block):
        if block.kind == BUNDLE and block.base == 0xFFFFFFFF:
            self.key = (block.sequence, None)
        if block.codec == 3 and block.base != 0xFFFFFFFF:
            if not self.key or self.key[0] != block.base or self.key[1] is None:
                raise Bad("its base is lost")
            return decode(block, self.key[1])
        payload = decode(block)
        if block.kind == BUNDLE:
            self.key = (block.sequence, payload)
        return payload

    def members(self, block):
        """The blocks that a block stands for: type and payload."""
        payload = self.decode(block)
        return unbundled(payload) if block.kind == BUNDLE else [(block.kind, payload)]


def decode(block, prefix=None):
    if block.codec > 3 or (block.codec == 3) != (block.base != 0xFFFFFFFF):
        raise Bad("coded in an unknown way")
    if block.decoded > BLOCK_LIMIT:
        raise Bad("more than the limit")
    try:
        if block.codec == 0:
            payload = block.payload
        elif block.codec == 1:
            payload = inflate(block.payload, block.decoded)
        elif block.codec == 3:
            payload = inflate(block.payload, block.decoded, prefix)
        else:
            limit = block.decoded + block.decoded // 2 + 64
            payload = transposed(inflate(block.payload, limit), block.decoded)
    except zstandard.ZstdError as error:
        raise Bad(str(error)) from error
    if len(payload) != block.decoded:
        raise Bad("does not decode to what its header says")
    return payload


def transposed(data, decoded):
    wire = Wire(data)
    up = {0: False, 1: True}[wire.u8()]
    head = wire.bytes()
    groups = [(wire.uint(), wire.uint()) for _ in range(wire.uint())]
    if any(width == 0 or count == 0 for width, count in groups):
        raise Bad("an empty group")
    if [width for width, _ in groups] != sorted({width for width, _ in groups}):
        raise Bad("groups are out of order")
    if len(head) + sum(width * count for width, count in groups) > decoded:
        raise Bad("more than its header says")
    order = [wire.uint() for _ in range(sum(count for _, count in groups))]
    rows = []
    for width, count in groups:
        columns = [wire.take(count) for _ in range(width)]
        mine = [bytes(column[row] for column in columns) for row in range(count)]
        for row in range(1, count if up else 0):
            mine[row] = bytes((cell + above) & 255 for cell, above in zip(mine[row], mine[row - 1]))
        rows.append(iter(mine))
    return head + b"".join(next(rows[group]) for group in order) + data[wire.at:]


def unbundled(data):
    wire = Wire(data)
    unit, column, time = wire.uint(), Wire(wire.bytes()), 0
    members = []
    while not wire.ended():
        kind, form, content = wire.uint(), wire.uint(), Wire(wire.bytes())
        kinds = (PROCESSES,) if form == 4 else (PROCESSES, DESCRIPTORS, RAW)
        if form > 4 or (form and kind not in kinds):
            raise Bad("a block in an unknown form")
        payload, line = b"", b""
        while form and not content.ended():
            body = Wire(content.bytes())
            fields = list(body.fields(RECORDS.get(kind, "RawHeader")))
            time = (time + column.int()) % (1 << 64)
            taken = [number(time << unit) if field == "at_boottime_ns" else value for field, _, value in fields]
            if form == 4:
                status, line = unfolded(fields[3][1], line)
                taken[3] = number(len(status)) + status
            taken.append(body.data[body.at:])
            payload += number(len(b"".join(taken))) + b"".join(taken)
            if kind == RAW:
                break
        rest = content.take(len(content.data) - content.at)
        members.append((kind, payload + (summed(rest, "<>"[form - 2]) if form in (2, 3) else rest)))
    return members


def unfolded(status, before):
    """A status of form 4, and its line that the next one may leave out."""
    if b"\1" in status:
        if not before:
            raise Bad("a line is left out that is not there")
        status = status.replace(b"\1", before, 1)
    lines = [line for line in re.findall(b"[^\n]*\n|[^\n]+$", status) if line.startswith(b"SigQ:")]
    return status, lines[0] if lines and len(lines[0]) <= 64 else b""


def summed(data, order):
    """The rows of forms 2 and 3."""
    data, last, at = bytearray(data), {}, 0
    while at + 4 <= len(data):
        length, = struct.unpack_from(order + "I", data, at)
        width = (length + 3) & ~3
        if length < 16 or width > len(data) - at:
            break
        if width in last:
            words = f"<{width // 4 - 1}I"
            above = struct.unpack_from(words, data, last[width] + 4)
            row = struct.unpack_from(words, data, at + 4)
            struct.pack_into(words, data, at + 4, *((a + b) % (1 << 32) for a, b in zip(row, above)))
        last[width] = at
        at += width
    return bytes(data)


def number(value):
    """A uint, as it is written."""
    for limit, lead, width in ((251, b"", 1), (1 << 16, b"\xfb", 2), (1 << 32, b"\xfc", 4), (1 << 64, b"\xfd", 8)):
        if value < limit:
            return lead + value.to_bytes(width, "little")


# Wire encoding


class Wire:
    """Takes values off the front of bytes."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def ended(self):
        return self.at == len(self.data)

    def take(self, count):
        if count > len(self.data) - self.at:
            raise Bad("cut short")
        self.at += count
        return self.data[self.at - count:self.at]

    def u8(self):
        return self.take(1)[0]

    def bool(self):
        return [False, True][self.u8()]

    def uint(self):
        first = self.u8()
        if first < 251:
            return first
        return int.from_bytes(self.take({251: 2, 252: 4, 253: 8}[first]), "little")

    u16 = u32 = u64 = uint

    def int(self):
        value = self.uint()
        return -(value + 1 >> 1) if value & 1 else value >> 1

    def bytes(self):
        return self.take(self.uint())

    def option_bytes(self):
        return self.bytes() if self.bool() else None

    def option_u32(self):
        return self.uint() if self.bool() else None

    option_u64 = option_u32

    def list_ReadError(self):
        return [self.record("ReadError") for _ in range(self.uint())]

    def record(self, name):
        body = Wire(self.bytes())
        return {field: value for field, value, _ in body.fields(name)}

    def fields(self, name):
        """Name, value and bytes of each field; those that an older writer lacks have no bytes."""
        empty = {"bytes": b"", "option_bytes": None, "option_u32": None, "option_u64": None,
                 "list_ReadError": []}
        for field in FIELDS[name].split():
            field, kind = field.split(":")
            begun = self.at
            value = empty.get(kind, 0) if self.ended() else getattr(self, kind)()
            yield field, value, self.data[begun:self.at]


def records(payload, name):
    wire = Wire(payload)
    while not wire.ended():
        yield wire.record(name)


def links(table):
    """The entries of a part of a descriptor table: descriptor, kind, number, text."""
    fds, numbers, texts = Wire(table["fds"]), Wire(table["numbers"]), Wire(table["texts"])
    access = Wire(table["access"])
    fd, value = -1, 0

    def number():
        nonlocal value
        value = (value + numbers.int()) % (1 << 64)
        return value

    def text():
        return texts.take(texts.data.index(b"\0", texts.at) + 1 - texts.at)[:-1]

    for kind in table["kinds"]:
        fd += 1 + fds.int()
        if kind in (0, 1):
            yield fd, kind, number(), b""
        elif kind == 2:
            yield fd, kind, number(), access.take(1)
        elif kind == 3:
            yield fd, kind, 0, text()
        elif kind == 4:
            path, _device = text(), numbers.uint()
            access.take(1)
            yield fd, kind, number(), path
        else:
            raise Bad(f"descriptor of kind {kind}")


# What it counts


def netlink(data, order):
    at = 0
    while at < len(data):
        length, kind = struct.unpack_from(order + "IH", data, at)
        if length < 16 or at + length > len(data):
            raise Bad("netlink message of a wrong length")
        yield kind, data[at + 16:at + length]
        at += (length + 3) & ~3


def counts(data):
    minor, mark = file_header(data)
    damage, kinds, codecs, sources = [], collections.Counter(), collections.Counter(), {}
    held = collections.defaultdict(list)
    captures, decoder, last = set(), Decoder(), None
    for block in blocks(data, mark, damage):
        try:
            members = decoder.members(block)
        except Bad as error:
            damage.append(f"block {block.sequence}: {error}")
            continue
        kinds[f"0x{block.kind:04x}"] += 1
        codecs[str(block.codec)] += 1
        if block.capture != last:
            # What is counted is the last capture; the others only have to be readable.
            held, sources, last = collections.defaultdict(list), {}, block.capture
        captures.add(block.capture)
        for kind, payload in members:
            if kind in RECORDS:
                held[RECORDS[kind]] += records(payload, RECORDS[kind])
            elif kind == RAW:
                wire = Wire(payload)
                header = wire.record("RawHeader")
                key = tuple(header[field] for field in "source netns mntns pid pass attempt key".split())
                parts = sources.setdefault((block.capture, *key), [])
                parts.append((header, payload[wire.at:]))
    host = held["Host"][0]
    order = "<>"[host["byte_order"] == 2]
    people = [process for process in held["Process"] if not is_kernel_thread(process["stat"])]
    # A table that was looked at twice counts as it was at first, and is not compared.
    looks = collections.defaultdict(set)
    for table in held["DescriptorTable"]:
        looks[table["pid"]].add(table["pass"])
    first = [table for table in held["DescriptorTable"] if table["pass"] == min(looks[table["pid"]])]
    entries = [(table["pid"], *link) for table in first for link in links(table)]
    once = {pid for pid, passes in looks.items() if len(passes) == 1}
    unix = set()
    for (_, source, *_), parts in sources.items():
        if [header["part"] for header, _ in parts] != list(range(len(parts))) or not parts[-1][0]["last"]:
            damage.append(f"{source.decode()} is not whole")
        if source == b"diag/unix":
            for _, body in netlink(b"".join(body for _, body in parts), order):
                unix.add(struct.unpack_from(order + "I", body, 4)[0])
    return {
        "format": f"1.{minor}",
        "damage": damage,
        "captures": len(captures),
        "blocks": sum(kinds.values()),
        "kinds": dict(sorted(kinds.items())),
        "codecs": dict(sorted(codecs.items())),
        "hostname": host["hostname"].decode(errors="replace"),
        "boot_id": host["boot_id"].decode(errors="replace"),
        "collector": host["collector"].decode(errors="replace"),
        "euid": host["euid"],
        "ended": bool(held["CaptureEnd"]),
        "processes": sorted({process["pid"] for process in people}),
        "comms": {str(process["pid"]): comm(process["stat"]) for process in people},
        "descriptors": len(entries),
        "read_once": sorted(once),
        "descriptors_of": dict(sorted(collections.Counter(str(entry[0]) for entry in entries if entry[0] in once).items())),
        "socket_inodes": sorted({entry[3] for entry in entries if entry[2] == 1}),
        "pipe_inodes": sorted({entry[3] for entry in entries if entry[2] == 2}),
        "unix_inodes": sorted(unix),
        "netns": sorted({netns["inode"] for netns in held["Netns"]}),
        "sources": sorted({key[1].decode() for key in sources}),
    }


def comm(stat):
    return stat[stat.find(b"(") + 1:stat.rfind(b")")].decode(errors="replace")


def is_kernel_thread(stat):
    fields = stat[stat.rfind(b")") + 1:].split()
    return len(fields) > 6 and bool(int(fields[6]) & 0x00200000)


# Every byte, explained


def line(at, data, what):
    for begun in range(0, len(data), 16):
        piece = data[begun:begun + 16].hex(" ")
        print(f"{at + begun:04x}  {piece:47}  {what if begun == 0 else ''}".rstrip())
    return at + len(data)


def dump(data):
    _, mark = file_header(data)
    at = 0
    for width, what in ((8, "magic"), (2, "major version"), (2, "minor version"), (4, "mark"),
                        (4, "reserved"), (4, "checksum")):
        at = line(at, data[at:at + width], what)
    damage = []
    for block in blocks(data, mark, damage):
        print()
        for width, what in ((4, "marker"), (2, f"type: {RECORDS.get(block.kind, 'raw')}"),
                            (2, "codec: stored; reserved"), (4, f"sequence number {block.sequence}"),
                            (4, "capture 0"), (4, "base: none"), (4, f"stored bytes: {block.stored}"),
                            (4, f"decoded bytes: {block.decoded}"), (4, "mark"),
                            (4, "checksum of the payload"), (4, "checksum of this header")):
            at = line(at, data[at:at + width], what)
        assert block.codec == 0, "only stored blocks are explained"
        wire = Wire(block.payload)
        while not wire.ended():
            begun = wire.at
            body = Wire(wire.bytes())
            length = wire.at - begun - len(body.data)
            at = line(at, block.payload[begun:begun + length], f"record of {len(body.data)} bytes")
            name = RECORDS.get(block.kind, "RawHeader")
            for field, value, taken in body.fields(name):
                shown = value if isinstance(value, (int, type(None))) else repr(value)[1:]
                at = line(at, taken, f"{field}: {shown}" if taken and field not in ("fds", "kinds", "numbers")
                          else f"{field}: {list(taken[1:])}")
            if block.kind == RAW:
                at = line(at, block.payload[wire.at:], "the kernel's bytes")
                break
    assert not damage, damage


if __name__ == "__main__":
    try:
        command, path = sys.argv[1:]
        with open(path, "rb") as file:
            content = file.read()
        if command == "dump":
            dump(content)
        else:
            json.dump(counts(content), sys.stdout, indent=1)
            print()
    except (Bad, KeyError, IndexError, struct.error) as error:
        sys.exit(f"{sys.argv[-1]}: {error!r}")
