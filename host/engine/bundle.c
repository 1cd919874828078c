#include "bundle.h"

#include "rtp.h"

static void aim(struct rtp *rtp)
{
    const struct rtp *carrier = rtp->bundle.carrier;
    rtp->remote = carrier->remote;
    rtp->remote_control = carrier->remote_control;
    rtp->mux = true;
    if (!rtp->rtcp.due && rtp->rtcp_interval)
        rtp->rtcp.due = rtp->leg->engine->now + (int64_t)rtp->rtcp_interval * 1000000;
}

static void leave(struct rtp *rtp)
{
    struct rtp *carrier = rtp->bundle.carrier;
    struct rtp **at = carrier ? &carrier->bundle.members : NULL;
    while (at && *at && *at != rtp)
        at = &(*at)->bundle.next;
    if (at && *at)
        *at = rtp->bundle.next;
    rtp->bundle.carrier = rtp->bundle.next = NULL;
}

void bundle_join(struct rtp *rtp, struct rtp *carrier)
{
    if (rtp == carrier || (carrier && rtp->bundle.carrier == carrier))
        return;
    leave(rtp);
    rtp->bundle.carried = carrier != NULL;
    if (!carrier)
        return;
    atomic_store(&rtp->port.settled, true); /* nothing is expected at its own port */
    rtp->bundle.carrier = carrier;
    rtp->bundle.next = carrier->bundle.members;
    carrier->bundle.members = rtp;
    aim(rtp);
}

void bundle_end(struct rtp *rtp)
{
    leave(rtp);
    for (struct rtp *next, *member = rtp->bundle.members; member; member = next) {
        next = member->bundle.next;
        member->bundle.carrier = member->bundle.next = NULL;
    }
    rtp->bundle.members = NULL;
}

void bundle_aimed(struct rtp *carrier)
{
    for (struct rtp *member = carrier->bundle.members; member; member = member->bundle.next)
        aim(member);
}

struct rtp *bundle_owner(struct rtp *carrier, int type, uint32_t ssrc)
{
    struct rtp *fresh = NULL, *any = NULL;
    if (!carrier->bundle.members || rtp_expects(carrier, type))
        return carrier;
    for (struct rtp *member = carrier->bundle.members; member; member = member->bundle.next) {
        if (!rtp_expects(member, type))
            continue;
        if (member->reception.known && member->reception.ssrc == ssrc)
            return member;
        any = member;
        if (!member->reception.known)
            fresh = member;
    }
    return fresh ? fresh : any ? any : carrier;
}
