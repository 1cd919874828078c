"""Write the cffi glue of a binding: ``build.py dahdi|pri|r2|ss7 OUTPUT.c``; ``build.py --cflags``: its include path."""

from __future__ import annotations

import re
import sys
import sysconfig
from pathlib import Path

from cffi import FFI

HERE = Path(__file__).resolve().parent / "kernel_shims"

CALL = "int dahdi_request(int descriptor, unsigned int request, void *argument);"
SOURCE = """
#include <errno.h>
#include <sys/ioctl.h>
#include "abi.h"

/* What ioctl returns, or -errno. */
static int dahdi_request(int descriptor, unsigned int request, void *argument)
{
    int result;
    do
        result = ioctl(descriptor, (unsigned long)request, argument);
    while (result < 0 && errno == EINTR);
    return result < 0 ? -errno : result;
}
"""


def dahdi_declarations() -> str:
    """abi.h as cffi understands it: numbers of requests are taken from the compiled header."""
    text = (HERE / "dahdi/abi.h").read_text()
    numbers = re.findall(r"^#define (DAHDI_\w+) DAHDI_", text, flags=re.MULTILINE)
    text = re.sub(r"^#.*$", "", text, flags=re.MULTILINE)
    return "\n".join([text, *(f"#define {name} ..." for name in numbers), CALL])


def dahdi(output: str) -> None:
    """The binding of the DAHDI drivers."""
    ffi = FFI()
    text = dahdi_declarations()
    packed = re.search(r"struct dahdi_spaninfo \{.*?\} __attribute__\(\(packed\)\);", text, re.DOTALL)
    assert packed is not None
    ffi.cdef(packed[0].replace(" __attribute__((packed))", ""), packed=True)
    ffi.cdef(text.replace(packed[0], ""))
    ffi.set_source("kernel_shims.dahdi._dahdi", SOURCE, py_limited_api=True)
    ffi.emit_c_code(output)


PRI_SOURCE = """
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>
#include <libpri.h>

static void pri_frame(struct pri *pri, int sent, char *frame, int size);
static void pri_complained(struct pri *pri, char *text);

/* What a transfer on the D channel gave; 0 is "nothing" to the library. */
static int pri_frame_moved(struct pri *pri, ssize_t moved, int sent, void *frame)
{
    char complaint[128];
    if (moved > 0)
        pri_frame(pri, sent, frame, (int)moved);
    else if (moved < 0 && errno != EAGAIN) {
        snprintf(complaint, sizeof complaint, "%s the D channel failed: %s", sent ? "Writing to" : "Reading",
                 strerror(errno));
        pri_complained(pri, complaint);
    }
    return moved > 0 ? (int)moved : 0;
}

static int pri_read_frame(struct pri *pri, void *frame, int size)
{
    return pri_frame_moved(pri, read(pri_fd(pri), frame, (size_t)size), 0, frame);
}

static int pri_write_frame(struct pri *pri, void *frame, int size)
{
    return pri_frame_moved(pri, write(pri_fd(pri), frame, (size_t)size), 1, frame);
}

/* A D channel whose frames are told; ptpmode is -1 where there is only one kind, on a primary rate. */
static struct pri *pri_new_told(int fd, int ptpmode, int nodetype, int switchtype)
{
    if (ptpmode < 0)
        return pri_new_cb(fd, nodetype, switchtype, pri_read_frame, pri_write_frame, NULL);
    return pri_new_bri_cb(fd, ptpmode, nodetype, switchtype, pri_read_frame, pri_write_frame, NULL);
}

static int pri_subcommands_count(struct pri_subcommands *list)
{
    return list ? list->counter_subcmd : 0;
}

static struct pri_subcommand *pri_subcommand_at(struct pri_subcommands *list, int index)
{
    return &list->subcmd[index];
}

/* The members of a subcommand's union, which has no name of its own. */
static struct pri_party_connected_line *pri_subcommand_connected(struct pri_subcommand *one)
{
    return &one->u.connected_line;
}

static struct pri_party_redirecting *pri_subcommand_redirecting(struct pri_subcommand *one)
{
    return &one->u.redirecting;
}

static struct pri_subcmd_display_txt *pri_subcommand_display(struct pri_subcommand *one)
{
    return &one->u.display;
}

static struct pri_rerouting_data *pri_subcommand_rerouting(struct pri_subcommand *one)
{
    return &one->u.rerouting;
}

static struct pri_subcmd_transfer *pri_subcommand_transfer(struct pri_subcommand *one)
{
    return &one->u.transfer;
}

static struct pri_subcmd_mcid_req *pri_subcommand_mcid(struct pri_subcommand *one)
{
    return &one->u.mcid_req;
}

/* The record that a subcommand of call completion is about, and what it says of it; -1 when there is nothing. */
static long pri_subcommand_completion(struct pri_subcommand *one, int *status)
{
    *status = -1;
    switch (one->cmd) {
    case PRI_SUBCMD_CC_REQ:
        *status = one->u.cc_request.mode;
        return one->u.cc_request.cc_id;
    case PRI_SUBCMD_CC_REQ_RSP:
        *status = one->u.cc_request_rsp.status;
        return one->u.cc_request_rsp.cc_id;
    case PRI_SUBCMD_CC_STATUS_REQ_RSP:
        *status = one->u.cc_status_req_rsp.status;
        return one->u.cc_status_req_rsp.cc_id;
    case PRI_SUBCMD_CC_STATUS:
        *status = one->u.cc_status.status;
        return one->u.cc_status.cc_id;
    case PRI_SUBCMD_CC_CANCEL:
        *status = one->u.cc_cancel.is_agent;
        return one->u.cc_cancel.cc_id;
    default:
        return one->u.cc_available.cc_id;
    }
}

static struct pri_subcmd_aoc_s *pri_subcommand_aoc_s(struct pri_subcommand *one)
{
    return &one->u.aoc_s;
}

static struct pri_subcmd_aoc_d *pri_subcommand_aoc_d(struct pri_subcommand *one)
{
    return &one->u.aoc_d;
}

static struct pri_subcmd_aoc_e *pri_subcommand_aoc_e(struct pri_subcommand *one)
{
    return &one->u.aoc_e;
}

static struct pri_subcmd_aoc_request *pri_subcommand_aoc_request(struct pri_subcommand *one)
{
    return &one->u.aoc_request;
}

static struct pri_subcmd_aoc_request_response *pri_subcommand_aoc_response(struct pri_subcommand *one)
{
    return &one->u.aoc_request_response;
}
"""


def pri(output: str) -> None:
    """The binding of libpri."""
    ffi = FFI()
    text = (HERE / "pri/declarations.h").read_text()
    ffi.cdef(re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL))
    ffi.set_source("kernel_shims.pri._pri", PRI_SOURCE, py_limited_api=True)
    ffi.emit_c_code(output)


def r2(output: str) -> None:
    """The binding of libopenr2."""
    ffi = FFI()
    text = (HERE / "r2/declarations.h").read_text()
    ffi.cdef(re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL))
    ffi.set_source("kernel_shims.r2._r2", (HERE / "r2/io.c").read_text(), py_limited_api=True)
    ffi.emit_c_code(output)


def ss7(output: str) -> None:
    """The binding of libss7."""
    ffi = FFI()
    text = (HERE / "ss7/declarations.h").read_text()
    ffi.cdef(re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL))
    ffi.set_source("kernel_shims.ss7._ss7", (HERE / "ss7/glue.c").read_text(), py_limited_api=True)
    ffi.emit_c_code(output)


def main(arguments: list[str]) -> None:
    """See the text of this file."""
    match arguments:
        case ["--cflags"]:
            print(f"-I{sysconfig.get_path('include')}")
        case ["dahdi", output]:
            dahdi(output)
        case ["pri", output]:
            pri(output)
        case ["r2", output]:
            r2(output)
        case ["ss7", output]:
            ss7(output)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
