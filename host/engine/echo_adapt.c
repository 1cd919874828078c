#include "echo_adapt.h"

#include <stdlib.h>
#include <string.h>

/* Regularisation: this part of the mean power of what was sent. Holds the response still at frequencies that are hardly
 * there: a tone moves nothing but itself. */
static const float RIDGE = 0.1f;

struct adapt_scratch {
    word *time;                           /* 2 taps */
    struct cword *window, *fresh, *a, *b; /* taps */
    word *before;                         /* a state, for the lanes that must not change */
    word storage[];
};

/* Words that hold what a lane has learnt, beside those of `taps`. */
enum { PARTS_OF_STATE = 16, SINGLES = 4 };

struct adapt {
    unsigned taps;
    const struct fft *fft;
    struct adapt_scratch *scratch;
    word *raw, *seen; /* the last 2 taps samples that were sent: as they were; with their weights */
    word *recent;     /* power spectrum of what was sent of late */
    /* The state, from seen on and without a gap. */
    word *response, *rho, *before, *course; /* taps; rho a step ago; direction of the last step */
    struct cword *spectrum, *late;          /* of response; of the last `taps` of seen */
    struct cword *gradient, *growth;        /* spectra of what rho and r have yet to take in */
    word *correlation, *power;              /* of all that was seen: spectrum of r; smooth one, never negative */
    word *faded;                            /* what is left of rho and r meanwhile */
    word *slope;                            /* rho . preconditioned rho, a step ago */
    word *weight_root;                      /* of the last hop, when `late` is that hop alone */
    mask *whole;                            /* it is */
    word storage[];
};

struct adapt_scratch *adapt_scratch_create(unsigned taps)
{
    struct adapt_scratch *scratch =
        aligned_alloc(sizeof(word), sizeof *scratch + ((10 + PARTS_OF_STATE) * taps + SINGLES) * sizeof(word));
    if (!scratch)
        return NULL;
    scratch->time = scratch->storage;
    scratch->window = (struct cword *)(scratch->time + 2 * taps);
    scratch->fresh = scratch->window + taps;
    scratch->a = scratch->fresh + taps;
    scratch->b = scratch->a + taps;
    scratch->before = (word *)(scratch->b + taps);
    return scratch;
}

void adapt_scratch_destroy(struct adapt_scratch *scratch)
{
    free(scratch);
}

struct adapt *adapt_create(unsigned taps, const struct fft *fft, struct adapt_scratch *scratch)
{
    size_t bytes = sizeof(struct adapt) + ((3 + PARTS_OF_STATE) * taps + SINGLES) * sizeof(word);
    struct adapt *adapt = aligned_alloc(sizeof(word), bytes);
    if (!adapt)
        return NULL;
    memset(adapt, 0, bytes);
    adapt->taps = taps;
    adapt->fft = fft;
    adapt->scratch = scratch;
    adapt->raw = adapt->storage;
    adapt->recent = adapt->raw + 2 * taps;
    adapt->seen = adapt->recent + taps;
    adapt->response = adapt->seen + 2 * taps;
    adapt->rho = adapt->response + taps;
    adapt->before = adapt->rho + taps;
    adapt->course = adapt->before + taps;
    adapt->correlation = adapt->course + taps;
    adapt->power = adapt->correlation + taps;
    adapt->spectrum = (struct cword *)(adapt->power + taps);
    adapt->late = adapt->spectrum + taps;
    adapt->gradient = adapt->late + taps;
    adapt->growth = adapt->gradient + taps;
    adapt->faded = (word *)(adapt->growth + taps);
    adapt->slope = adapt->faded + 1;
    adapt->weight_root = adapt->slope + 1;
    adapt->whole = (mask *)(adapt->weight_root + 1);
    *adapt->faded = all(1);
    return adapt;
}

void adapt_destroy(struct adapt *adapt)
{
    free(adapt);
}

/* What was learnt, put aside and brought back: nothing must change in lanes that have no part in a hop or a step. */
static void put_aside(struct adapt *adapt)
{
    memcpy(adapt->scratch->before, adapt->seen, (PARTS_OF_STATE * adapt->taps + SINGLES) * sizeof(word));
}

static void bring_back(struct adapt *adapt, mask where)
{
    put_back(adapt->seen, adapt->scratch->before, PARTS_OF_STATE * adapt->taps + SINGLES, where);
}

static inline struct cword product(struct cword a, struct cword b)
{
    return (struct cword){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}

/* a times the conjugate of b */
static inline struct cword correlated(struct cword a, struct cword b)
{
    return (struct cword){a.re * b.re + a.im * b.im, a.im * b.re - a.re * b.im};
}

/* The transform of what lies at the end of 2 taps of time; the rest is silence. */
static void transform_end(const struct adapt *adapt, const word *samples, unsigned count, struct cword *out)
{
    if (count == adapt->taps) {
        fft_forward_last(adapt->fft, samples, out);
        return;
    }
    word *time = adapt->scratch->time;
    memset(time, 0, (adapt->taps - count) * sizeof(word));
    memcpy(time + adapt->taps - count, samples, count * sizeof(word));
    fft_forward_last(adapt->fft, time, out);
}

/* The window of 2 taps from the spectra of its halves, each as it is when it lies at the end: earlier by `taps` samples
 * is a quarter of a turn at every one of these frequencies. */
static void join(struct cword *window, const struct cword *late, word by, const struct cword *fresh, unsigned taps)
{
    for (unsigned k = 0; k < taps; k++) {
        window[k].re = fresh[k].re - late[k].im * by;
        window[k].im = fresh[k].im + late[k].re * by;
    }
}

/* Cosine between the power spectrum of now and that of late. Noise has its own accidents each time (0.7 or so), speech
 * moves; a tone stays. */
static word likeness(struct adapt *adapt, mask lanes, const struct cword *window, unsigned hop)
{
    const float new = (float)hop / (float)(hop + 1500);
    word both = all(0), one = all(0), other = all(0);
    for (unsigned k = 0; k < adapt->taps; k++) {
        word now = window[k].re * window[k].re + window[k].im * window[k].im;
        both += now * adapt->recent[k];
        one += now * now;
        other += adapt->recent[k] * adapt->recent[k];
        adapt->recent[k] = choose(lanes, adapt->recent[k] + (now - adapt->recent[k]) * new, adapt->recent[k]);
    }
    return both / (root(one) * root(other) + 1e-9f);
}

void adapt_hear(struct adapt *adapt, const word *sent, unsigned count)
{
    if (!count)
        return;
    unsigned kept = 2 * adapt->taps - count;
    memmove(adapt->raw, adapt->raw + count, kept * sizeof(word));
    memcpy(adapt->raw + kept, sent, count * sizeof(word));
}

/* The spectrum of 2 taps of samples, in the lanes of a mask: where the older half is known, only the newer one,
 * `fresh`, has to be transformed. That rounds otherwise, so each lane goes its own way, whatever the others do. */
static void window_of(const struct adapt *adapt, mask lanes, unsigned hop, const word *samples, word older)
{
    unsigned taps = adapt->taps;
    struct cword *window = adapt->scratch->window;
    mask joined = hop == taps ? lanes & *adapt->whole : (mask){0}, other = lanes & ~joined;
    if (any(other))
        fft_forward(adapt->fft, samples, window);
    if (!any(joined))
        return;
    if (!any(other)) {
        join(window, adapt->late, older, adapt->scratch->fresh, taps);
        return;
    }
    struct cword *both = adapt->scratch->b;
    join(both, adapt->late, older, adapt->scratch->fresh, taps);
    for (unsigned k = 0; k < taps; k++) {
        window[k].re = choose(joined, both[k].re, window[k].re);
        window[k].im = choose(joined, both[k].im, window[k].im);
    }
}

struct adapt_hop adapt_error(struct adapt *adapt, mask lanes, const word *heard, unsigned hop, word *error, word *parts)
{
    unsigned taps = adapt->taps;
    struct adapt_scratch *scratch = adapt->scratch;
    if (hop == taps)
        transform_end(adapt, adapt->raw + taps, hop, scratch->fresh);
    window_of(adapt, lanes, hop, adapt->raw, 1.0f / *adapt->weight_root);
    for (unsigned k = 0; k < taps; k++)
        scratch->a[k] = product(scratch->window[k], adapt->spectrum[k]);
    fft_inverse_last(adapt->fft, scratch->a, scratch->time);
    struct adapt_hop seen = {.likeness = likeness(adapt, lanes, scratch->window, hop)};
    const word *echo = scratch->time + taps - hop;
    for (unsigned at = 0; at < hop; at += BLOCK) {
        word errors = all(0);
        for (unsigned i = at; i < at + BLOCK; i++) {
            word left = heard[i] - echo[i];
            error[i] = left;
            errors += left * left;
            seen.echo += echo[i] * echo[i];
        }
        *parts++ = errors;
        seen.error += errors;
    }
    return seen;
}

/* The weighted past, and in scratch the spectra of its window and of what is new in it. */
static void take_in(struct adapt *adapt, mask lanes, unsigned hop, word weight_root, word forget_root)
{
    unsigned taps = adapt->taps;
    struct adapt_scratch *scratch = adapt->scratch;
    word *seen = adapt->seen;
    for (unsigned i = 0; i < 2 * taps - hop; i++)
        seen[i] = seen[i + hop] * forget_root;
    for (unsigned i = 2 * taps - hop; i < 2 * taps; i++)
        seen[i] = adapt->raw[i] * weight_root;
    if (hop == taps) {
        for (unsigned k = 0; k < taps; k++) {
            scratch->fresh[k].re *= weight_root;
            scratch->fresh[k].im *= weight_root;
        }
    } else {
        transform_end(adapt, seen + 2 * taps - hop, hop, scratch->fresh);
    }
    window_of(adapt, lanes, hop, seen, forget_root);
    if (hop == taps)
        memcpy(adapt->late, scratch->fresh, taps * sizeof *adapt->late);
    else
        transform_end(adapt, seen + taps, taps, adapt->late);
    *adapt->whole = hop == taps ? ~(mask){0} : (mask){0};
    *adapt->weight_root = weight_root;
}

/* The new equations, as spectra: what they are in time is only wanted when a step is taken. */
static void accumulate(struct adapt *adapt, const word *error, unsigned hop, word weight_root, word forget)
{
    unsigned taps = adapt->taps;
    struct adapt_scratch *scratch = adapt->scratch;
    memset(scratch->time, 0, (taps - hop) * sizeof(word));
    for (unsigned i = 0; i < hop; i++)
        scratch->time[taps - hop + i] = error[i] * weight_root;
    fft_forward_last(adapt->fft, scratch->time, scratch->a);
    float share = (float)hop / (float)(2 * taps);
    for (unsigned k = 0; k < taps; k++) {
        struct cword x = scratch->window[k];
        struct cword gradient = correlated(scratch->a[k], x), growth = correlated(scratch->fresh[k], x);
        adapt->gradient[k].re = adapt->gradient[k].re * forget + gradient.re;
        adapt->gradient[k].im = adapt->gradient[k].im * forget + gradient.im;
        adapt->growth[k].re = adapt->growth[k].re * forget + growth.re;
        adapt->growth[k].im = adapt->growth[k].im * forget + growth.im;
        adapt->power[k] = adapt->power[k] * forget + (x.re * x.re + x.im * x.im) * share;
    }
    *adapt->faded *= forget;
}

/* rho and r take in what has gathered: of the products, only lags below `taps` belong to them. */
static void settle(struct adapt *adapt)
{
    unsigned taps = adapt->taps;
    struct adapt_scratch *scratch = adapt->scratch;
    word *time = scratch->time;
    fft_inverse_first(adapt->fft, adapt->gradient, time);
    for (unsigned i = 0; i < taps; i++)
        adapt->rho[i] = adapt->rho[i] * *adapt->faded + time[i];
    fft_inverse_first(adapt->fft, adapt->growth, time);
    /* Symmetric: the transform is twice the real part of that of one half. */
    time[0] *= 0.5f;
    fft_forward_first(adapt->fft, time, scratch->a);
    for (unsigned k = 0; k < taps; k++)
        adapt->correlation[k] = adapt->correlation[k] * *adapt->faded + 2.0f * scratch->a[k].re;
    memset(adapt->gradient, 0, taps * sizeof *adapt->gradient);
    memset(adapt->growth, 0, taps * sizeof *adapt->growth);
    *adapt->faded = all(1);
}

/* One step of conjugate gradients. */
static void descend(struct adapt *adapt, word ridge)
{
    unsigned taps = adapt->taps;
    struct adapt_scratch *scratch = adapt->scratch;
    word *time = scratch->time;
    struct cword *a = scratch->a, *course = scratch->b;

    fft_forward_first(adapt->fft, adapt->rho, a);
    for (unsigned k = 0; k < taps; k++) {
        word gain = 1.0f / (adapt->power[k] + ridge);
        a[k].re *= gain;
        a[k].im *= gain;
    }
    fft_inverse_first(adapt->fft, a, time);
    word slope = all(0), carried = all(0);
    for (unsigned i = 0; i < taps; i++) {
        slope += adapt->rho[i] * time[i];
        carried += adapt->before[i] * time[i];
    }
    word turn = (slope - carried) / *adapt->slope;
    turn = only((*adapt->slope > all(0)) & (turn > all(0)) & (turn < all(10)), turn);
    word length = all(0), along = all(0);
    for (unsigned i = 0; i < taps; i++) {
        word course_i = time[i] + turn * adapt->course[i];
        adapt->course[i] = course_i;
        along += course_i * adapt->rho[i];
        length += course_i * course_i;
    }
    fft_forward_first(adapt->fft, adapt->course, course);

    /* Rows after now: the first half, as it wraps, is Z times the course, sign and all. */
    word curvature = all(0), edge = all(0);
    for (unsigned k = 0; k < taps; k++) {
        a[k] = product(adapt->late[k], course[k]);
        curvature += adapt->correlation[k] * (course[k].re * course[k].re + course[k].im * course[k].im);
    }
    fft_inverse_first(adapt->fft, a, time);
    for (unsigned i = 0; i < taps; i++)
        edge += time[i] * time[i];
    fft_forward_first(adapt->fft, time, a);
    curvature = curvature * (1.0f / (float)taps) - edge + length * ridge;
    mask good = (curvature > all(0)) & (along > all(0));
    word step = only(good, along / curvature);

    for (unsigned k = 0; k < taps; k++) {
        struct cword back = correlated(a[k], adapt->late[k]);
        a[k].re = adapt->correlation[k] * course[k].re - back.re;
        a[k].im = adapt->correlation[k] * course[k].im - back.im;
        adapt->spectrum[k].re += step * course[k].re;
        adapt->spectrum[k].im += step * course[k].im;
    }
    fft_inverse_first(adapt->fft, a, time);
    for (unsigned i = 0; i < taps; i++) {
        adapt->before[i] = adapt->rho[i];
        adapt->response[i] += step * adapt->course[i];
        adapt->rho[i] -= step * time[i];
    }
    *adapt->slope = slope;
}

static void step_on(struct adapt *adapt, unsigned steps)
{
    settle(adapt);
    word mean = all(0);
    for (unsigned k = 0; k < adapt->taps; k++)
        mean += adapt->power[k];
    word ridge = mean * (RIDGE / (float)adapt->taps) + 1e-6f;
    for (unsigned step = 0; step < steps; step++)
        descend(adapt, ridge);
}

void adapt_learn(struct adapt *adapt, mask lanes, const word *error, unsigned hop, mask stepping, unsigned steps,
                 word weight, word forget)
{
    bool everybody = !any(~lanes);
    word weight_root = root(weight);
    if (!everybody)
        put_aside(adapt);
    take_in(adapt, lanes, hop, weight_root, root(forget));
    accumulate(adapt, error, hop, weight_root, forget);
    if (!everybody)
        bring_back(adapt, ~lanes);
    stepping &= lanes;
    if (!any(stepping))
        return;
    everybody = !any(~stepping);
    if (!everybody)
        put_aside(adapt);
    step_on(adapt, steps);
    if (!everybody)
        bring_back(adapt, ~stepping);
}

void adapt_doubt(struct adapt *adapt, mask where, word share)
{
    unsigned taps = adapt->taps;
    word by = choose(where, share, all(1)), by_root = choose(where, root(share), all(1));
    for (unsigned i = 0; i < taps; i++) {
        adapt->correlation[i] *= by;
        adapt->power[i] *= by;
        adapt->rho[i] *= by;
        adapt->before[i] *= by;
        adapt->gradient[i].re *= by;
        adapt->gradient[i].im *= by;
        adapt->growth[i].re *= by;
        adapt->growth[i].im *= by;
    }
    for (unsigned i = 0; i < 2 * taps; i++)
        adapt->seen[i] *= by_root;
    *adapt->slope *= by;
    *adapt->whole &= ~where;
}

/* The spectrum of a response that was changed in some lanes. In others it is a sum of steps, and rounded otherwise. */
static void transform_response(struct adapt *adapt, mask where)
{
    struct cword *spectrum = adapt->scratch->a;
    fft_forward_first(adapt->fft, adapt->response, spectrum);
    for (unsigned k = 0; k < adapt->taps; k++) {
        adapt->spectrum[k].re = choose(where, spectrum[k].re, adapt->spectrum[k].re);
        adapt->spectrum[k].im = choose(where, spectrum[k].im, adapt->spectrum[k].im);
    }
}

void adapt_restore(struct adapt *adapt, mask where, const word *taps)
{
    for (unsigned i = 0; i < adapt->taps; i++) {
        adapt->response[i] = choose(where, taps[i], adapt->response[i]);
        adapt->rho[i] = only(~where, adapt->rho[i]);
        adapt->gradient[i].re = only(~where, adapt->gradient[i].re);
        adapt->gradient[i].im = only(~where, adapt->gradient[i].im);
    }
    *adapt->slope = only(~where, *adapt->slope);
    transform_response(adapt, where);
}

void adapt_reset(struct adapt *adapt, mask where)
{
    adapt_doubt(adapt, where, all(0));
    for (unsigned i = 0; i < adapt->taps; i++) {
        adapt->response[i] = only(~where, adapt->response[i]);
        adapt->course[i] = only(~where, adapt->course[i]);
    }
    transform_response(adapt, where);
}

const word *adapt_taps(const struct adapt *adapt)
{
    return adapt->response;
}
