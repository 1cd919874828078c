/* What libss7 needs beside its own interface: its callbacks, its timers moved with another clock than the wall's, and
 * its tables as text. */
#include <stdarg.h>
#include <stdio.h>
#include <sys/time.h>
#include <libss7.h>

#if LIBSS7_ABI_COMPATIBILITY != 2
#error "This is not the interface of libss7 2.0"
#endif

enum { MOST_TIMERS = 512, LONGEST_LINE = 1024 };
/* A time that is never reached: seconds. */
static const time_t NEVER = (time_t)1 << 40;

static void ss7_told(struct ss7 *ss7, char *text);
static void ss7_complained(struct ss7 *ss7, char *text);
static int ss7_wants_end(struct ss7 *ss7, int cic, unsigned int dpc, int cause, int what);
static void ss7_out_of_service(struct ss7 *ss7, int cic, unsigned int dpc);
static void ss7_forgets(struct ss7 *ss7, struct isup_call *call, int lock);
static void ss7_printed(char *text);

/* Have the library call us. */
static void ss7_tell_us(void)
{
    ss7_set_message(ss7_told);
    ss7_set_error(ss7_complained);
    ss7_set_hangup(ss7_wants_end);
    ss7_set_notinservice(ss7_out_of_service);
    ss7_set_call_null(ss7_forgets);
}

struct stopped {
    struct timeval *place;
    struct timeval when;
};

/* Put off the timers of a linkset, from the nearest on, which has passed `skip` of them; how many there are. */
static int stop_timers(struct ss7 *ss7, struct stopped *stopped, int skip)
{
    struct timeval *next;
    int count = 0;

    while (count < MOST_TIMERS && (next = ss7_schedule_next(ss7)) && next->tv_sec < NEVER) {
        stopped[count].place = next;
        stopped[count++].when = *next;
        next->tv_sec += NEVER;
    }
    for (int i = 0; i < skip && i < count; i++)
        *stopped[i].place = stopped[i].when;
    return count;
}

/* Let all timers run out later (or sooner) by that much: the wall's clock, which the library reads, is not ours. */
static void ss7_move_timers(struct ss7 *ss7, long long microseconds)
{
    static struct stopped stopped[MOST_TIMERS];
    int count = stop_timers(ss7, stopped, 0);

    for (int i = 0; i < count; i++) {
        long long when = stopped[i].when.tv_sec * 1000000LL + stopped[i].when.tv_usec + microseconds;
        stopped[i].place->tv_sec = when > 0 ? when / 1000000 : 0;
        stopped[i].place->tv_usec = when > 0 ? when % 1000000 : 0;
    }
}

/* Run the nearest timer alone, if it is due: the library's queue holds 16 events, and loses calls when it is full. A
 * place that the timer gave to another one is left as it is. */
static void ss7_run_first(struct ss7 *ss7)
{
    static struct stopped stopped[MOST_TIMERS];
    int count = stop_timers(ss7, stopped, 1);

    ss7_schedule_run(ss7);
    for (int i = 1; i < count; i++)
        if (stopped[i].place->tv_sec >= NEVER)
            *stopped[i].place = stopped[i].when;
}

/* A ss7_printf_cb. */
static void ss7_print(int fd, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void ss7_print(int fd, const char *format, ...)
{
    char text[LONGEST_LINE];
    va_list values;

    (void)fd;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    ss7_printed(text);
}

static void ss7_print_linkset(struct ss7 *ss7)
{
    ss7_show_linkset(ss7, ss7_print, -1);
}

static void ss7_print_calls(struct ss7 *ss7)
{
    isup_show_calls(ss7, ss7_print, -1);
}
