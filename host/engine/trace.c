#include "trace.h"

#include "engine.h"
#include "rtp.h"

void trace_packet(struct rtp *rtp, bool sent, bool report, const union address *peer, const uint8_t *bytes, int payload)
{
    struct engine *engine = rtp->leg->engine;
    const struct trace *trace = &engine->trace;
    if (!(trace->kinds & (report ? TRACE_RTCP : TRACE_RTP)))
        return;
    if (trace->only.any.sa_family && (!address_same_host(&trace->only, peer) ||
                                      (address_port(&trace->only) && address_port(&trace->only) != address_port(peer))))
        return;
    if (engine->pending)
        return; /* who cannot follow is not told everything */
    uint32_t timestamp = 0;
    for (int i = 0; i < 4; i++)
        timestamp = timestamp << 8 | bytes[4 + i];
    struct engine_event event = {.kind = EVENT_TRACE, .object = rtp->leg, .a = sent | report << 1};
    event.b = (int64_t)(report ? bytes[1] : bytes[1] & 0x7f) << 32 | (uint32_t)payload;
    event.c = (int64_t)(bytes[2] << 8 | bytes[3]) << 32 | timestamp;
    event.port = address_format(peer, event.address);
    engine_tell(engine, &event);
}
