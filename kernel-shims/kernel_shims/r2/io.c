/* The input and output of libopenr2 replaced, and its callbacks as three of ours.
 *
 * The library reads, writes and configures a DAHDI descriptor by itself and takes the time of day from the system. This
 * file defines ioctl, read, write and gettimeofday; loaded with RTLD_DEEPBIND (line.py) the library finds these before
 * the C library's. A line is then a queue of codes each way and two sets of bits in memory: what is at their other end
 * is Python's affair (a DAHDI channel, or another line), and so is the clock. */

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <unistd.h>

#include <openr2.h>

#include "abi.h"

enum {
    LINES = 2048,
    FIRST_DESCRIPTOR = 1 << 24, /* beyond any that the kernel hands out */
    MOST_HEARD = 4096,
    MOST_SAID = 4 * OR2_CHAN_READ_SIZE,
    SILENCE = 0xD5, /* A-law */
    SIGNALLING_CAS = 0x8000,
    MUX_READ = 1,
    MUX_WRITE = 2,
    MUX_EVENT = 8,
    FLUSH_WRITE = 2,
};

struct r2_io {
    int slot, number, received_bits, sent_bits, event, heard, said;
    unsigned char in[MOST_HEARD], out[MOST_SAID];
};

enum r2_kind {
    CALL_INIT,
    OFFERED,
    ACCEPTED,
    ANSWERED,
    DISCONNECTED,
    ENDED,
    ALARMED,
    SYSTEM_ERROR,
    PROTOCOL_ERROR,
    BLOCKED,
    IDLE,
    ANI_DIGIT,
    BILLING_PULSE
};

static void r2_happened(void *chan, int kind, int value, const char *ani, const char *dnis);
static int r2_wants_digit(void *chan, char digit);
static void r2_told(void *chan, int level, const char *text);

static struct r2_io *lines[LINES];
static struct timeval now;

static struct r2_io *line_of(int descriptor)
{
    int slot = descriptor - FIRST_DESCRIPTOR;
    return slot >= 0 && slot < LINES ? lines[slot] : NULL;
}

/* ---- what the library calls -------------------------------------------------------------------------------- */

static int control(struct r2_io *io, unsigned long request, void *argument)
{
    int *number = argument;
    switch (request & 0xFF) { /* numbers of DAHDI, which are those of Zaptel */
    case DAHDI_CHANNO & 0xFF:
        *number = io->number;
        break;
    case DAHDI_GET_PARAMS & 0xFF:
        ((struct dahdi_params *)argument)->sigtype = SIGNALLING_CAS;
        break;
    case DAHDI_GETEVENT & 0xFF:
        *number = io->event;
        io->event = 0;
        break;
    case DAHDI_IOMUX & 0xFF:
        /* Its detector takes a read without a block of its own length in it for silence. */
        *number &= (io->event ? MUX_EVENT : 0) | (io->heard >= OR2_CHAN_READ_SIZE ? MUX_READ : 0) |
                   (io->said < OR2_CHAN_READ_SIZE ? MUX_WRITE : 0);
        break;
    case DAHDI_GETRXBITS & 0xFF: /* and DAHDI_SETTXBITS: the direction is in the high bits */
        if (request & 0x40000000u)
            io->sent_bits = *number;
        else
            *number = io->received_bits;
        break;
    case DAHDI_FLUSH & 0xFF:
        if (*number & FLUSH_WRITE)
            io->said = 0;
        break;
    default: /* buffers, gains, law, echo canceller: of no meaning here */
        break;
    }
    return 0;
}

int ioctl(int descriptor, unsigned long request, ...)
{
    va_list arguments;
    va_start(arguments, request);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    struct r2_io *io = line_of(descriptor);
    return io ? control(io, request, argument) : (int)syscall(SYS_ioctl, descriptor, request, argument);
}

ssize_t read(int descriptor, void *buffer, size_t size)
{
    struct r2_io *io = line_of(descriptor);
    if (!io)
        return syscall(SYS_read, descriptor, buffer, size);
    int count = (int)size < io->heard ? (int)size : io->heard;
    memcpy(buffer, io->in, (size_t)count);
    io->heard -= count;
    memmove(io->in, io->in + count, (size_t)io->heard);
    return count;
}

ssize_t write(int descriptor, const void *buffer, size_t size)
{
    struct r2_io *io = line_of(descriptor);
    if (!io)
        return syscall(SYS_write, descriptor, buffer, size);
    int room = MOST_SAID - io->said, count = (int)size < room ? (int)size : room;
    memcpy(io->out + io->said, buffer, (size_t)count);
    io->said += count;
    return count;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone)
{
    (void)zone;
    *time = now;
    return 0;
}

#if __SIZEOF_POINTER__ == 4
/* The same by the names they have on 32 bits with 64 bits of time. */
int __ioctl_time64(int descriptor, unsigned long request, void *argument)
{
    return ioctl(descriptor, request, argument);
}

int __gettimeofday64(int64_t time[2], void *zone)
{
    (void)zone;
    time[0] = now.tv_sec;
    time[1] = now.tv_usec;
    return 0;
}
#endif

/* ---- the other side of the queues -------------------------------------------------------------------------- */

static struct r2_io *r2_io_new(int number)
{
    for (int slot = 0; slot < LINES; slot++)
        if (!lines[slot]) {
            struct r2_io *io = calloc(1, sizeof *io);
            if (io) {
                io->slot = slot;
                io->number = number;
                lines[slot] = io;
            }
            return io;
        }
    return NULL;
}

static void r2_io_free(struct r2_io *io)
{
    lines[io->slot] = NULL;
    free(io);
}

static void r2_io_bits(struct r2_io *io, int bits)
{
    io->received_bits = bits;
}

static void r2_io_event(struct r2_io *io, int event)
{
    io->event = event;
}

static int r2_io_sent_bits(struct r2_io *io)
{
    return io->sent_bits;
}

/* Sound for the library; how much there was room for. */
static int r2_io_hear(struct r2_io *io, const unsigned char *codes, int count)
{
    int room = MOST_HEARD - io->heard;
    count = count < room ? count : room;
    memcpy(io->in + io->heard, codes, (size_t)count);
    io->heard += count;
    return count;
}

/* Sound of the library, with silence behind it. */
static void r2_io_say(struct r2_io *io, unsigned char *codes, int count)
{
    int there = io->said < count ? io->said : count;
    memcpy(codes, io->out, (size_t)there);
    memset(codes + there, SILENCE, (size_t)(count - there));
    io->said -= there;
    memmove(io->out, io->out + there, (size_t)io->said);
}

static void r2_clock(long seconds, long microseconds)
{
    now.tv_sec = seconds;
    now.tv_usec = microseconds;
}

/* ---- events ------------------------------------------------------------------------------------------------ */

static void on_init(openr2_chan_t *chan)
{
    r2_happened(chan, CALL_INIT, 0, NULL, NULL);
}
static void on_offered(openr2_chan_t *chan, const char *ani, const char *dnis, openr2_calling_party_category_t category)
{
    r2_happened(chan, OFFERED, (int)category, ani, dnis);
}
static void on_accepted(openr2_chan_t *chan, openr2_call_mode_t mode)
{
    r2_happened(chan, ACCEPTED, (int)mode, NULL, NULL);
}
static void on_answered(openr2_chan_t *chan)
{
    r2_happened(chan, ANSWERED, 0, NULL, NULL);
}
static void on_disconnect(openr2_chan_t *chan, openr2_call_disconnect_cause_t cause)
{
    r2_happened(chan, DISCONNECTED, (int)cause, NULL, NULL);
}
static void on_end(openr2_chan_t *chan)
{
    r2_happened(chan, ENDED, 0, NULL, NULL);
}
static void on_read(openr2_chan_t *chan, const unsigned char *codes, int count)
{
    (void)chan, (void)codes, (void)count;
}
static void on_alarm(openr2_chan_t *chan, int alarm)
{
    r2_happened(chan, ALARMED, alarm, NULL, NULL);
}
static void on_os_error(openr2_chan_t *chan, int error)
{
    r2_happened(chan, SYSTEM_ERROR, error, NULL, NULL);
}
static void on_protocol_error(openr2_chan_t *chan, openr2_protocol_error_t error)
{
    r2_happened(chan, PROTOCOL_ERROR, (int)error, NULL, NULL);
}
static void on_blocked(openr2_chan_t *chan)
{
    r2_happened(chan, BLOCKED, 0, NULL, NULL);
}
static void on_idle(openr2_chan_t *chan)
{
    r2_happened(chan, IDLE, 0, NULL, NULL);
}
static int on_dnis(openr2_chan_t *chan, char digit)
{
    return r2_wants_digit(chan, digit);
}
static void on_ani(openr2_chan_t *chan, char digit)
{
    r2_happened(chan, ANI_DIGIT, digit, NULL, NULL);
}
static void on_pulse(openr2_chan_t *chan)
{
    r2_happened(chan, BILLING_PULSE, 0, NULL, NULL);
}

static void tell(void *chan, openr2_log_level_t level, const char *format, va_list arguments)
{
    char text[256];
    vsnprintf(text, sizeof text, format, arguments);
    r2_told(chan, (int)level, text);
}
static void on_context_log(openr2_context_t *context, openr2_log_level_t level, const char *format, va_list arguments)
{
    (void)context;
    tell(NULL, level, format, arguments);
}
static void on_log(openr2_chan_t *chan, openr2_log_level_t level, const char *format, va_list arguments)
{
    tell(chan, level, format, arguments);
}

static openr2_event_interface_t events = {
    .on_call_init = on_init,
    .on_call_offered = on_offered,
    .on_call_accepted = on_accepted,
    .on_call_answered = on_answered,
    .on_call_disconnect = on_disconnect,
    .on_call_end = on_end,
    .on_call_read = on_read,
    .on_hardware_alarm = on_alarm,
    .on_os_error = on_os_error,
    .on_protocol_error = on_protocol_error,
    .on_line_blocked = on_blocked,
    .on_line_idle = on_idle,
    .on_context_log = on_context_log,
    .on_dnis_digit_received = on_dnis,
    .on_ani_digit_received = on_ani,
    .on_billing_pulse_received = on_pulse,
};

/* ---- channels ---------------------------------------------------------------------------------------------- */

/* A context of its own for each channel: the library gives channels back with their context only. */
static openr2_context_t *r2_context(int variant, int max_ani, int max_dnis)
{
    return openr2_context_new(NULL, &events, NULL, (openr2_variant_t)variant, max_ani, max_dnis);
}

static openr2_chan_t *r2_channel(openr2_context_t *context, struct r2_io *io)
{
    openr2_chan_t *chan = openr2_chan_new_from_fd(context, FIRST_DESCRIPTOR + io->slot, NULL, NULL);
    if (chan)
        openr2_chan_set_logging_func(chan, on_log);
    return chan;
}

static const char *r2_context_error(openr2_context_t *context)
{
    return openr2_context_error_string(openr2_context_get_last_error(context));
}

static int r2_accept(openr2_chan_t *chan, int with_charge)
{
    return openr2_chan_accept_call(chan, with_charge ? OR2_CALL_WITH_CHARGE : OR2_CALL_NO_CHARGE);
}

/* mode: 0 simple, 1 double, -1 as the context has it. */
static int r2_answer(openr2_chan_t *chan, int mode)
{
    if (mode < 0)
        return openr2_chan_answer_call(chan);
    return openr2_chan_answer_call_with_mode(chan, mode ? OR2_ANSWER_DOUBLE : OR2_ANSWER_SIMPLE);
}

static int r2_disconnect(openr2_chan_t *chan, int cause)
{
    return openr2_chan_disconnect_call(chan, (openr2_call_disconnect_cause_t)cause);
}

static int r2_make_call(openr2_chan_t *chan, const char *ani, const char *dnis, int category)
{
    return openr2_chan_make_call(chan, ani, dnis, (openr2_calling_party_category_t)category);
}

static int r2_direction(openr2_chan_t *chan)
{
    return (int)openr2_chan_get_direction(chan);
}
static void r2_set_log_level(openr2_chan_t *chan, int level)
{
    openr2_chan_set_log_level(chan, (openr2_log_level_t)level);
}

/* ---- names ------------------------------------------------------------------------------------------------- */

static int r2_variant(const char *name)
{
    return (int)openr2_proto_get_variant(name);
}
static int r2_variants(void)
{
    int count = 0;
    return openr2_proto_get_variant_list(&count) ? count : 0;
}
static const char *r2_variant_name(int place)
{
    int count;
    return openr2_proto_get_variant_list(&count)[place].name;
}
static const char *r2_variant_country(int place)
{
    int count;
    return openr2_proto_get_variant_list(&count)[place].country;
}
static int r2_category(const char *name)
{
    return (int)openr2_proto_get_category(name);
}
static const char *r2_category_name(int category)
{
    return openr2_proto_get_category_string((openr2_calling_party_category_t)category);
}
static const char *r2_cause_name(int cause)
{
    return openr2_proto_get_disconnect_string((openr2_call_disconnect_cause_t)cause);
}
static const char *r2_error_name(int error)
{
    return openr2_proto_get_error((openr2_protocol_error_t)error);
}
