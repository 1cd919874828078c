#include "echo_guard.h"

/* Powers of samples; the mean is over some 8 ms. A millisecond of which so little is left ends it at once: two voices
 * may have been alike for a syllable, and one of them has ended. */
static const float SPEED = 0.12f, LOUDER = 1.25f, FLOOR = 1000.0f, GONE = 0.1f;

mask guard_chunk(struct guard *guard, word came, word left)
{
    guard->came += (came * (1.0f / CHUNK) - guard->came) * SPEED;
    guard->left += (left * (1.0f / CHUNK) - guard->left) * SPEED;
    mask gone = left < came * GONE;
    guard->left = choose(gone, smaller(guard->left, guard->came), guard->left);
    guard->out = ~gone & (guard->left > choose(guard->out, all(1), all(LOUDER)) * guard->came + FLOOR);
    return guard->out;
}

void guard_reset(struct guard *guard, mask where)
{
    guard->came = only(~where, guard->came);
    guard->left = only(~where, guard->left);
    guard->out &= ~where;
}
