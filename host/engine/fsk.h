/* Frequency-shift keying at 1200 bit/s as caller ID uses it: Bell 202 (mark 1200, space 2200 Hz) and V.23 channel 1
 * (mark 1300, space 2100 Hz). Octets travel with a start and a stop bit, low bit first. */
#ifndef OFFHOOK_FSK_H
#define OFFHOOK_FSK_H

#include <stdbool.h>
#include <stdint.h>

enum fsk_standard { FSK_BELL_202, FSK_V_23 };
enum { FSK_BAUD = 1200, FSK_RATE = 8000, FSK_TAPS = 15, FSK_WINDOW = 5 };

/* Sending: channel seizure (bits 0 and 1 in turn), mark, the octets, a little mark. */
struct fsk_sender {
    const uint8_t *octets;
    int count, seizure, mark;
    int level; /* amplitude, of 32767 */
    enum fsk_standard standard;
    int rate;
    int bit;        /* being sent, of all */
    uint32_t part;  /* of the bit: a full turn is a bit */
    uint32_t phase; /* of the sine */
    uint32_t baud_step, steps[2];
};

/* octets stay the caller's until the end. */
void fsk_send_start(struct fsk_sender *sender, enum fsk_standard standard, const uint8_t *octets, int count,
                    int seizure_bits, int mark_bits, int level);

/* Make n samples at a rate; false when it ended before the first (the rest of a block is silence). */
bool fsk_send(struct fsk_sender *sender, int16_t *out, int n, int rate);

struct fsk_receiver {
    float taps[FSK_TAPS];    /* low-pass filter */
    float turn[2], angle[2]; /* cosine and sine: from sample to sample, and now */
    float line[FSK_TAPS][2]; /* turned down, before the filter; newest last */
    float past[2];           /* filtered */
    float swings[FSK_WINDOW];
    int at;
    float power, recent, inside; /* mean power: all of it, of a shorter time, and that in the band */
    float before;                /* the last decision, positive for mark */
    bool carrier;
    uint32_t clock; /* of the bit; a bit is taken at half a turn */
    int bits;       /* of the octet: 0 idle, 1 start bit, 2-9 data, 10 stop */
    uint8_t octet;
    uint32_t framing_errors;
};

void fsk_receive_init(struct fsk_receiver *receiver);

/* One receiver hears both standards: they have the same middle. Feed samples at 8 kHz: returns how many octets were
 * complete (at most room). receiver->carrier tells whether something is being sent at all. Octets whose stop bit is
 * missing are left out and counted. */
int fsk_receive(struct fsk_receiver *receiver, const int16_t *samples, int n, uint8_t *octets, int room);

#endif
