/* Who is right: how much a hop's equations weigh, when the background is better than the foreground, and whether an
 * error is double talk or a changed path. Energies are sums over the hop, per lane. */
#ifndef OFFHOOK_ECHO_JUDGE_H
#define OFFHOOK_ECHO_JUDGE_H

#include "echo_lanes.h"

enum { MOST_PARTS = 16 }; /* blocks of 64 samples in a hop */

/* What one hop showed. */
struct evidence {
    word sent, heard;                                  /* energy of what was sent, and of what came back */
    word fore_error, fore_echo;                        /* foreground: what is left, what it takes to be echo */
    word fore_cross;                                   /* product of both */
    word back_error, back_echo;                        /* background, before it learnt from this hop */
    word likeness;                                     /* of what is sent to what was (echo_adapt.h) */
    word fore_part[MOST_PARTS], back_part[MOST_PARTS]; /* both errors, block by block */
    unsigned parts;
};

/* What follows from a hop's length in samples. */
struct pace {
    float hop;
    float forget;     /* of equations */
    float reach;      /* of the level of what was sent, over the length of the tail */
    float fall, rise; /* of the leakage: how it follows down, and up */
    float floor_rise, quiet;
    float blocks;   /* of 64 samples */
    float tails;    /* of the tail's length, */
    float quarters; /* of it, or blocks if it is shorter than 32 ms */
};

/* By how much one error is smaller than another, z = (other - one) / (other + one) a hop, of a weight w: fading sums.
 */
struct contest {
    word w, wz, ww, wwz, wwzz;
};

struct judge {
    word leak_fore, leak_back; /* error over what is heard when there is nothing but echo: the share that is left */
    word floor, floor_now;     /* noise of the line: lowest error of late */
    word far;                  /* level of what was sent, held for the length of the tail */
    /* Three compete: the foreground, the background, and no canceller at all. */
    struct contest back_fore, back_none, fore_none;
    word mistrust;       /* blocks for which the background has to prove itself against none: it was wrong before */
    word talk;           /* blocks for which double talk is still assumed */
    word against, along; /* of late: products of foreground error and echo; of echo with itself */
    word came;           /* of late: energy of what came back, */
    word erred_fore, erred_back; /* and of what either left of it */
    word failing;                /* blocks for which the foreground has done worse than none, surely */
    word patience;               /* with an excess, times the usual: trials in vain make wait longer */
    word suspicion;              /* blocks: error beyond what leaks */
    word trial;                  /* quarters of a tail: what is left of a trial that began because of it */
    word hurry;                  /* blocks of speech for which convergence is worth more work */
    word loss;                   /* the loudest echo there can be of what is sent, as a share of it */
    word loud;   /* tails for which what is sent has been loud: its echo must be there, if there is one */
    word learnt; /* tails of speech learnt from since nothing was known */
    word limit;  /* of this hop: mean square above which an error is not echo */
    word noise;  /* of this hop, beside what leaks and near speech */
    mask active; /* something was sent that comes back as echo now, and may be learnt from */
    word steady; /* blocks for which the spectrum has not changed */
    mask tonal;  /* long enough: a tone, which says nothing about all other frequencies */
};

struct verdict {
    mask copy, restore, doubt;
    word keep; /* with a doubt: what share of the equations */
    mask drop; /* the foreground does worse than none */
};

struct pace pace_of(unsigned hop, unsigned taps);

void judge_reset(struct judge *judge, mask where);

/* Before the background learns: the weight of this hop's equations, and how much of the past is kept. frozen: lanes
 * that learn nothing. */
word judge_weigh(struct judge *judge, const struct evidence *seen, const struct pace *pace, mask frozen, word *forget);

/* After. */
struct verdict judge_decide(struct judge *judge, const struct evidence *seen, const struct pace *pace);

/* Mean square of the echo that may be there beside what the foreground knows. */
word judge_unknown_echo(const struct judge *judge);

/* The foreground knows the echo of a lane. */
bool judge_knows(const struct judge *judge, unsigned lane);

/* Lanes in which the path may have changed; and the reason was found, the foreground is right again. */
mask judge_suspects(const struct judge *judge);
void judge_calm(struct judge *judge, mask where);

/* Lanes that speak and are not known well. */
mask judge_unsettled(const struct judge *judge);

/* Lanes in which convergence is in hand: short hops are worth their price. seen: so many samples of the present hop. */
mask judge_hurries(const struct judge *judge, const struct evidence *seen, float samples);

/* As it was, in the lanes of a mask: those that had no part in a hop. */
void judge_put_back(struct judge *judge, const struct judge *before, mask where);

#endif
