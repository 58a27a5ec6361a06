"""Cuts off what stands in shared libraries behind all that is loaded of them: symbols and debug information."""

import struct
import sys
from pathlib import Path

# Where the header of a 64-bit ELF file says what is where (`Elf64_Ehdr` in elf.h).
MAGIC = b"\x7fELF\x02\x01"
SECTIONS_AT = 0x28
SECTION_COUNTS_AT = 0x3A


def find_loaded_end(file, header):
    """The last byte of all segments, and of the table of them."""
    (start,) = struct.unpack_from("<Q", header, 0x20)
    size, count = struct.unpack_from("<HH", header, 0x36)
    file.seek(start)
    table = file.read(size * count)
    ends = [start + size * count]
    for at in range(0, size * count, size):
        (offset,) = struct.unpack_from("<Q", table, at + 0x08)
        (length,) = struct.unpack_from("<Q", table, at + 0x20)
        ends.append(offset + length)
    return max(ends)


def strip(path):
    with path.open("r+b") as file:
        header = file.read(64)
        if not header.startswith(MAGIC):
            return
        file.truncate(find_loaded_end(file, header))
        # There are no sections any more: nothing that runs a program reads them.
        file.seek(SECTIONS_AT)
        file.write(bytes(8))
        file.seek(SECTION_COUNTS_AT)
        file.write(bytes(6))


for path in Path(sys.argv[1]).rglob("*.so*"):
    if path.is_file() and not path.is_symlink():
        strip(path)
