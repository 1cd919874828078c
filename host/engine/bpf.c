#include "bpf.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { WORDS = 65536 / 64, MAP_BYTES = WORDS * 8 };

static int call(enum bpf_cmd command, union bpf_attr *attributes)
{
    return (int)syscall(SYS_bpf, command, attributes, sizeof(*attributes));
}

static int make_map(enum bpf_map_type type, unsigned entries, unsigned flags)
{
    union bpf_attr attributes = {0};
    attributes.map_type = type;
    attributes.key_size = 4;
    attributes.value_size = 8;
    attributes.max_entries = entries;
    attributes.map_flags = flags;
    return call(BPF_MAP_CREATE, &attributes);
}

static bool put_socket(int map, uint32_t key, int socket)
{
    union bpf_attr attributes = {0};
    uint64_t value = (uint64_t)socket;
    attributes.map_fd = (uint32_t)map;
    attributes.key = (uint64_t)(uintptr_t)&key;
    attributes.value = (uint64_t)(uintptr_t)&value;
    return !call(BPF_MAP_UPDATE_ELEM, &attributes);
}

#define CODE(CLASS, DST, SRC, OFF, IMM)                                                                                \
    (struct bpf_insn)                                                                                                  \
    {                                                                                                                  \
        .code = (CLASS), .dst_reg = (DST), .src_reg = (SRC), .off = (OFF), .imm = (IMM)                                \
    }
#define LOAD(SIZE, DST, SRC, OFF) CODE(BPF_LDX | BPF_MEM | (SIZE), DST, SRC, OFF, 0)
#define STORE32(DST, OFF, SRC) CODE(BPF_STX | BPF_MEM | BPF_W, DST, SRC, OFF, 0)
#define MOVE(DST, SRC) CODE(BPF_ALU64 | BPF_MOV | BPF_X, DST, SRC, 0, 0)
#define SET(DST, IMM) CODE(BPF_ALU64 | BPF_MOV | BPF_K, DST, 0, 0, IMM)
#define DO(OP, DST, IMM) CODE(BPF_ALU64 | (OP) | BPF_K, DST, 0, 0, IMM)
#define JUMP(OP, DST, IMM, OFF) CODE(BPF_JMP | (OP) | BPF_K, DST, 0, OFF, IMM)
#define CALL(FUNCTION) CODE(BPF_JMP | BPF_CALL, 0, 0, 0, FUNCTION)
#define EXIT CODE(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
#define LOAD_MAP(DST, MAP) CODE(BPF_LD | BPF_IMM | BPF_DW, DST, BPF_PSEUDO_MAP_FD, 0, MAP), CODE(0, 0, 0, 0, 0)

static int load(int ports, int sockets)
{
    enum { CONTEXT = BPF_REG_6, PORT = BPF_REG_7, SOCKET = BPF_REG_8, KEY = -4 };
    /* jumps lead to the last two instructions, which let the ordinary look-up go on */
    const struct bpf_insn program[] = {
        MOVE(CONTEXT, BPF_REG_1),
        LOAD(BPF_W, BPF_REG_2, CONTEXT, offsetof(struct bpf_sk_lookup, protocol)),
        JUMP(BPF_JNE, BPF_REG_2, 17 /* UDP */, 33),
        LOAD(BPF_W, PORT, CONTEXT, offsetof(struct bpf_sk_lookup, local_port)),
        /* is the port's bit set? */
        MOVE(BPF_REG_2, PORT),
        DO(BPF_RSH, BPF_REG_2, 6),
        STORE32(BPF_REG_10, KEY, BPF_REG_2),
        LOAD_MAP(BPF_REG_1, ports),
        MOVE(BPF_REG_2, BPF_REG_10),
        DO(BPF_ADD, BPF_REG_2, KEY),
        CALL(BPF_FUNC_map_lookup_elem),
        JUMP(BPF_JEQ, BPF_REG_0, 0, 23),
        LOAD(BPF_DW, BPF_REG_1, BPF_REG_0, 0),
        DO(BPF_AND, PORT, 63),
        CODE(BPF_ALU64 | BPF_RSH | BPF_X, BPF_REG_1, PORT, 0, 0),
        DO(BPF_AND, BPF_REG_1, 1),
        JUMP(BPF_JEQ, BPF_REG_1, 0, 18),
        /* the socket of the family */
        LOAD(BPF_W, BPF_REG_2, CONTEXT, offsetof(struct bpf_sk_lookup, family)),
        SET(BPF_REG_3, 0),
        JUMP(BPF_JEQ, BPF_REG_2, AF_INET, 1),
        SET(BPF_REG_3, 1),
        STORE32(BPF_REG_10, KEY, BPF_REG_3),
        LOAD_MAP(BPF_REG_1, sockets),
        MOVE(BPF_REG_2, BPF_REG_10),
        DO(BPF_ADD, BPF_REG_2, KEY),
        CALL(BPF_FUNC_map_lookup_elem),
        JUMP(BPF_JEQ, BPF_REG_0, 0, 7),
        MOVE(SOCKET, BPF_REG_0),
        MOVE(BPF_REG_1, CONTEXT),
        MOVE(BPF_REG_2, SOCKET),
        SET(BPF_REG_3, 0),
        CALL(BPF_FUNC_sk_assign),
        MOVE(BPF_REG_1, SOCKET),
        CALL(BPF_FUNC_sk_release),
        SET(BPF_REG_0, SK_PASS),
        EXIT,
    };
    union bpf_attr attributes = {0};
    attributes.prog_type = BPF_PROG_TYPE_SK_LOOKUP;
    attributes.expected_attach_type = BPF_SK_LOOKUP;
    attributes.insns = (uint64_t)(uintptr_t)program;
    attributes.insn_cnt = sizeof(program) / sizeof(program[0]);
    attributes.license = (uint64_t)(uintptr_t) "GPL";
    return call(BPF_PROG_LOAD, &attributes);
}

static int attach(int program)
{
    union bpf_attr attributes = {0};
    int space = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (space < 0)
        return -1;
    attributes.link_create.prog_fd = (uint32_t)program;
    attributes.link_create.target_fd = (uint32_t)space;
    attributes.link_create.attach_type = BPF_SK_LOOKUP;
    int link = call(BPF_LINK_CREATE, &attributes);
    int why = errno;
    close(space);
    errno = why;
    return link;
}

static void drop(int descriptor)
{
    if (descriptor >= 0)
        close(descriptor);
}

bool steering_begin(struct steering *steering, int socket4, int socket6, char *error)
{
    const char *step = "BPF maps cannot be made";
    int program = -1;
    steering->link = -1;
    steering->wanted = MAP_FAILED;
    int ports = make_map(BPF_MAP_TYPE_ARRAY, WORDS, BPF_F_MMAPABLE);
    int sockets = ports >= 0 ? make_map(BPF_MAP_TYPE_SOCKMAP, 2, 0) : -1;
    if (sockets >= 0) {
        step = "the port map cannot be shared";
        steering->wanted = mmap(NULL, MAP_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, ports, 0);
    }
    if (steering->wanted != MAP_FAILED) {
        step = "the socket cannot be put into a BPF map";
        if (put_socket(sockets, 0, socket4) && (socket6 < 0 || put_socket(sockets, 1, socket6))) {
            step = "the kernel refuses the sk_lookup program";
            program = load(ports, sockets);
        }
    }
    if (program >= 0) {
        step = "the sk_lookup program cannot be attached";
        steering->link = attach(program);
    }
    if (steering->link < 0) {
        snprintf(error, 192, "%s (%s); it takes CAP_BPF, CAP_NET_ADMIN and kernel 5.9", step, strerror(errno));
        if (steering->wanted != MAP_FAILED)
            munmap((void *)steering->wanted, MAP_BYTES);
        steering->wanted = NULL;
    }
    drop(program); /* the link holds the program, the program its maps */
    drop(sockets);
    drop(ports);
    return steering->link >= 0;
}

void steering_end(struct steering *steering)
{
    if (steering->wanted)
        munmap((void *)steering->wanted, MAP_BYTES);
    drop(steering->link);
}

void steering_port(struct steering *steering, int port, bool on)
{
    uint64_t bit = (uint64_t)1 << port % 64;
    if (on)
        atomic_fetch_or(&steering->wanted[port / 64], bit);
    else
        atomic_fetch_and(&steering->wanted[port / 64], ~bit);
}
