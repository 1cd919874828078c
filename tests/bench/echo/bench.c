/* bench_echo css TAIL CODING DBM0 [ROW] | speech TAIL CASES VOICE.wav ... : one table (run.py knows which are wanted).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tables.h"

static int usage(void)
{
    fputs("usage: bench_echo css TAIL linear|alaw|ulaw DBM0 [ROW]\n       bench_echo speech TAIL CASES VOICE.wav ...\n",
          stderr);
    return 2;
}

int main(int count, char **arguments)
{
    int tail = count > 2 ? atoi(arguments[2]) : 0;
    if (count < 5 || tail < 8 || tail > 128)
        return usage();
    if (!strcmp(arguments[1], "css")) {
        const char *coding = arguments[3];
        table_css(tail,
                  !strcmp(coding, "alaw")   ? CODING_ALAW
                  : !strcmp(coding, "ulaw") ? CODING_ULAW
                                            : CODING_LINEAR,
                  atof(arguments[4]), count > 5 ? arguments[5] : "");
    } else if (!strcmp(arguments[1], "speech")) {
        int cases = atoi(arguments[3]);
        table_speech(tail, arguments + 4, count - 4, cases < 1 ? 1 : cases > 500 ? 500 : cases);
    } else {
        return usage();
    }
    return 0;
}
