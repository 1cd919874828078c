#include "echo_slip.h"

static const float EXACT = 0.05f, /* of what is heard: an error below this is the same path */
    CLEARLY = 0.2f,               /* of the error without a slip */
    LEAST = 2500;                 /* mean square heard: -50 dBm0 */

void slip_chunk(struct slip *slip, const word expected[CHUNK], const word heard[CHUNK])
{
    for (int i = 0; i < CHUNK; i++) {
        slip->expected[slip->position + (unsigned)i] = expected[i];
        slip->heard[slip->position + (unsigned)i] = heard[i];
    }
    slip->position = (slip->position + CHUNK) % SLIP_PAST;
}

void slip_reset(struct slip *slip, mask where)
{
    for (unsigned i = 0; i < SLIP_PAST; i++) {
        slip->expected[i] = only(~where, slip->expected[i]);
        slip->heard[i] = only(~where, slip->heard[i]);
    }
}

/* All of the same samples heard: near speech that has just begun would be seen in the one and not in the other. */
struct match {
    word error, plain; /* of what is heard less the echo expected; less that without a slip */
    word energy;       /* of what is heard */
};

/* The newest samples of both, the echo expected `later` samples ago. */
static struct match match_at(const struct slip *slip, int later)
{
    unsigned heard = slip->position - (unsigned)(later < 0 ? -later : 0);
    unsigned expected = slip->position - (unsigned)(later > 0 ? later : 0);
    struct match match = {all(0), all(0), all(0)};
    for (unsigned i = 1; i <= SLIP_WINDOW; i++) {
        word sample = slip->heard[(heard - i) % SLIP_PAST];
        word difference = sample - slip->expected[(expected - i) % SLIP_PAST];
        word without = sample - slip->expected[(heard - i) % SLIP_PAST];
        match.error += difference * difference;
        match.plain += without * without;
        match.energy += sample * sample;
    }
    return match;
}

mask slip_found(const struct slip *slip, mask where)
{
    word best = all(1e30f);
    mask later = {0};
    for (int slipped = -SLIP_MOST; slipped <= SLIP_MOST; slipped += CHUNK) {
        struct match match = match_at(slip, slipped);
        mask better = (match.error < best) & (match.error < match.plain * CLEARLY) &
                      (match.error < match.energy * EXACT) & (match.energy > all(LEAST * SLIP_WINDOW));
        best = choose(better, match.error, best);
        later = (better & slipped) | (~better & later);
    }
    return later & where;
}

void slip_move(word *to, const word *response, unsigned taps, mask later)
{
    for (int tap = 0; tap < (int)taps; tap++)
        for (int lane = 0; lane < LANES; lane++) {
            int from = tap - later[lane];
            to[tap][lane] = from < 0 || from >= (int)taps ? 0 : response[from][lane];
        }
}
