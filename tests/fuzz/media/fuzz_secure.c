/* SRTP: what is sealed opens again, and what is not is refused without harm, whatever its shape. */
#include "fuzz.h"
#include "secure.h"

enum { MOST = 1500 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    uint8_t one[SRTP_KEY_MAX], two[SRTP_KEY_MAX];
    int suite = 1 + (int)(take(&input) % (SRTP_SUITES - 1)), mki = (int)(take(&input) % 8 ? 0 : take(&input));
    for (int i = 0; i < SRTP_KEY_MAX; i++) {
        one[i] = (uint8_t)(i * 3);
        two[i] = (uint8_t)(i * 5);
    }
    struct secure *near = secure_make(suite, one, two, mki, true), *far = secure_make(suite, two, one, 0, true);
    EXPECT(near && far);
    while (input.left) {
        unsigned what = take(&input);
        size_t count;
        uint8_t *bytes = take_bytes(&input, MOST, &count), *room = malloc(count + SRTP_TRAILER);
        EXPECT(room);
        if (what & 1) { /* as it comes */
            int clear = what & 2 ? secure_unprotect_control(near, bytes, (int)count)
                                 : secure_unprotect(near, bytes, (int)count);
            EXPECT(!clear);
        } else if (what & 2) {
            int sealed = secure_protect_control(near, bytes, (int)count, room);
            EXPECT(sealed <= (int)count + SRTP_TRAILER && (sealed || count < 8));
            if (sealed)
                EXPECT(secure_unprotect_control(far, room, sealed) == (int)count && !memcmp(room, bytes, count));
        } else {
            int sealed = secure_protect(near, bytes, (int)count, room);
            EXPECT(sealed <= (int)count + SRTP_TRAILER);
            /* one far behind its SSRC's newest may be too old for the other side */
            if (sealed && secure_unprotect(far, room, sealed))
                EXPECT(!memcmp(room, bytes, count));
        }
        free(room);
        free(bytes);
    }
    secure_free(near);
    secure_free(far);
    return 0;
}
