"""Messages that exercise every corner RFC 4475 describes, written for these tests.

VALID: name to message. INVALID: name to (message, status that answers it; None: dropped without an answer).
Bodies and Content-Length are filled in by `wire` where a message says {length}.
"""

from __future__ import annotations

SDP = (
    "v=0\r\no=mhandley 29739 7272939 IN IP4 192.0.2.3\r\ns=-\r\nc=IN IP4 192.0.2.4\r\nt=0 0\r\n"
    "m=audio 49217 RTP/AVP 0\r\n"
)
UNUSUAL_URI = (
    "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com"
)


def wire(text: str, body: str = "") -> bytes:
    """Lines with \\n to CRLF, an empty line, the body; {length} becomes the body's length."""
    encoded = body.encode()
    head = text.strip("\n").replace("\n", "\r\n").replace("{length}", str(len(encoded)))
    return head.encode("utf-8", "surrogateescape") + b"\r\n\r\n" + encoded


def request(
    method: str = "OPTIONS",
    target: str = "sip:bob@example.com",
    *,
    start: str = "",
    cseq: str = "",
    via: str = "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKtorture",
    to: str = "sip:bob@example.com",
    from_: str = "<sip:alice@example.com>;tag=323",
    extra: str = "",
    length: str = "{length}",
    body: str = "",
) -> bytes:
    lines = [
        start or f"{method} {target} SIP/2.0",
        f"Via: {via}",
        "Max-Forwards: 70",
        f"From: {from_}",
        f"To: {to}",
        "Call-ID: torture.0ha0isndaksdj",
        f"CSeq: {cseq or f'8 {method}'}",
    ]
    if extra:
        lines.append(extra.strip("\n"))
    if length:
        lines.append(f"Content-Length: {length}")
    return wire("\n".join(lines), body)


VALID: dict[str, bytes] = {
    # 3.1.1.1: white space everywhere it may stand, folding, odd case, escaped quotes, empty Subject.
    "wsinv": wire(
        """\
INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0
TO :
 sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n
from   : "J Rosenberg \\\\\\""       <sip:jdrosen@example.com>
  ;
  tag = 98asjd8
MaX-fOrWaRdS: 0068
Call-ID: wsinv.ndaksdj@192.0.2.1
Content-Length   : {length}
cseq: 0009
  INVITE
Via  : SIP  /   2.0
 /UDP
    192.0.2.2;branch=390skdjuw
s :
NewFangledHeader:   newfangled value
 continued newfangled value
UnknownHeaderWithUnusualValue: ;;,,;;,;
Content-Type: application/sdp
Route:
 <sip:services.example.com;lr;unknownwith=value;unknown-no-value>
v:  SIP  / 2.0  / TCP     spindle.example.com   ;
  branch  =   z9hG4bK9ikj8  ,
 SIP  /    2.0   / UDP  192.168.255.111   ; branch=
 z9hG4bK30239
m:"Quoted string \\"\\"" <sip:jdrosen@example.com> ; newparam =
      newvalue ;
  secondparam ; q = 0.33
""",
        SDP,
    ),
    # 3.1.1.2: every character a token, user part, password and quoted string may hold.
    "intmeth": wire(
        f"!interesting-Method0123456789_*+`.%indeed'~ {UNUSUAL_URI} SIP/2.0"
        """
Via: SIP/2.0/TCP host1.example.com;branch=z9hG4bK-.!%66*_+`'~
To: "BEL:\\\x07 NUL:\\\x00 DEL:\\\x7f" <sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*@example.com>
From: token1~` token2'+_ token3*%!.- <sip:mundane@example.com> ;fromParam''~+*_!.-%="работающий";tag=_token~1'+`*%!-.
Call-ID: intmeth.word%ZK-!.*_+'@word`~)(><:\\/"][?}{
CSeq: 139122385 !interesting-Method0123456789_*+`.%indeed'~
Max-Forwards: 255
extensionHeader-!.%*+_`'~: 大停電
Content-Length: {length}
"""
    ),
    # 3.1.1.3 and 3.1.1.4: escapes in user parts, a zero byte among them.
    "esc01": request(
        "INVITE",
        "sip:sips%3Auser%40example.com@example.net",
        to="sip:%75se%72@example.com",
        from_="<sip:I%20have%20spaces@example.net>;tag=938",
        extra="Contact: <sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31>",
    ),
    "escnull": request(
        "REGISTER",
        "sip:example.com",
        to="sip:null-%00-null@example.com",
        from_="sip:null-%00-null@example.com;tag=839923423",
        extra="Contact: <sip:%00@host5.example.com>\nContact: <sip:%00%00@host5.example.com>",
    ),
    # 3.1.1.5: a percent sign that is no escape, in a method and a display name.
    "esc02": request(
        "RE%47IST%45R",
        "sip:registrar.example.com",
        to='"%Z%45" <sip:resource@example.com>',
        from_='"%Z%45" <sip:resource@example.com>;tag=f232jadfj23',
        extra="Contact: <sip:alias1@host1.example.com>\nContact: <sip:alias2@host2.example.com>",
    ),
    # 3.1.1.6: no space between display name and <.
    "lwsdisp": request(to="sip:user@example.com", from_="caller<sip:caller@example.com>;tag=323"),
    # 3.1.1.7: very long values.
    "longreq": request(
        "INVITE",
        "sip:user@example.com",
        to=f'"I have a user name of {"extreme " * 40}proportion"'
        f"<sip:user@example.com:6000;unknownparam1=very{'long' * 20}value;longparam{'name' * 40}=v"
        f";very{'long' * 40}ParameterNameWithNoValue>",
        from_=f"sip:{'amazinglylongcallername' * 6}@example.net;tag=12{'982424' * 40};unknownparam{'name' * 20}=v"
        f"{'alue' * 20};unknownValueless{'paramname' * 10}",
        extra=f"Unknown-{'Long' * 40}-Name: unknown-{'long' * 40}-value; unknown-{'long' * 40}-parameter-name = value\n"
        + "\n".join(f"Via: SIP/2.0/TCP sip{n}.example.com" for n in range(34, 0, -1))
        + "\nContact: <sip:"
        + "amazinglylongcallername" * 5
        + "@host5.example.net>",
    ),
    # 3.1.1.8: another message behind the first in the same datagram.
    "dblreq": request("REGISTER", "sip:example.com", length="0") + request("INVITE", "sip:joe@example.com", length="0"),
    # 3.1.1.9: parameters inside the user part.
    "semiuri": request(target="sip:user;par=u%40example.net@example.com"),
    # 3.1.1.10: transports nobody has heard of.
    "transports": request(
        extra="Via: SIP/2.0/SCTP s1.example.com;branch=z9hG4bKkdjuw\n"
        "Via: SIP/2.0/UNKNOWN s2.example.com;branch=z9hG4bKkdjuw2\n"
        "Via: SIP/2.0/TLS s3.example.com;branch=z9hG4bKkdjuw3",
        via="SIP/2.0/UNKNOWN t1.example.com;branch=z9hG4bKkdjuw0",
    ),
    # 3.1.1.11: a multipart body, one part binary.
    "mpart01": request(
        "MESSAGE",
        extra='Content-Type: multipart/mixed;boundary="7a9cbec02ceef655"',
        body="--7a9cbec02ceef655\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: binary\r\n\r\nHello\r\n"
        "--7a9cbec02ceef655\r\nContent-Type: application/octet-stream\r\n\r\n\x00\x01--7a9\r\n\r\n"
        "--7a9cbec02ceef655--\r\n",
    ),
    # 3.1.1.12 and 3.1.1.13: reason phrases in another script, and none.
    "unreason": request(
        start="SIP/2.0 200 = 2**3 * 5**2 но сто девяносто девять - простое",
        cseq="35 INVITE",
        to="<sip:bob@example.com>;tag=1",
    ),
    "noreason": request(start="SIP/2.0 100 ", cseq="35 INVITE"),
    # 3.1.2.12: a time zone Date must not have. Nobody here needs the Date.
    "baddate": request("INVITE", extra="Date: Fri, 01 Jan 2010 16:00:00 EST"),
    # 3.1.2.14 and 3.1.2.15: spaces inside <>, a comma in an unquoted display name. The meaning is plain.
    "badaspec": request(to='"Watson, Thomas" < sip:t.watson@example.org >'),
    "baddn": request(from_="Bell, Alexander <sip:a.g.bell@example.com>;tag=43"),
    # 3.2.1: a branch with nothing behind the cookie, matched by the rules of RFC 2543.
    "badbranch": request(via="SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK"),
    # 3.3.4: schemes we do not know in From, To and Contact.
    "unksm2": request(
        "REGISTER",
        "sip:example.com",
        to="isbn:2983792873",
        from_="<http://www.example.com>;tag=3234233",
        extra="Contact: <name:John_Smith>",
    ),
    # 3.3.11: Max-Forwards 0 is fine where the request ends.
    "zeromf": request().replace(b"Max-Forwards: 70", b"Max-Forwards: 0"),
    # 3.3.12 to 3.3.14: parameters of Contact and of its URI, an escaped Route in it.
    "cparam01": request("REGISTER", "sip:example.com", extra="Contact: sip:+19725552222@gw1.example.net;unknownparam"),
    "cparam02": request(
        "REGISTER", "sip:example.com", extra="Contact: <sip:+19725552222@gw1.example.net;unknownparam>"
    ),
    "regescrt": request(
        "REGISTER", "sip:example.com", extra="Contact: <sip:user@example.com?Route=%3Csip:sip.example.com%3E>"
    ),
    # 3.4.1: an INVITE of RFC 2543: no branch, no tag, no Max-Forwards.
    "inv2543": wire(
        """\
INVITE sip:UserB@example.com SIP/2.0
Via: SIP/2.0/UDP iftgw.example.com
From: <sip:+13035551111@ift.client.example.net;user=phone>
Record-Route: <sip:UserB@example.com;maddr=ss1.example.com>
To: sip:+16505552222@ss1.example.net;user=phone
Call-ID: inv2543.1717@ift.client.example.com
CSeq: 56 INVITE
Content-Type: application/sdp
Content-Length: {length}
""",
        SDP,
    ),
}

INVALID: dict[str, tuple[bytes, int | None]] = {
    # 3.1.2.1: separators with nothing between them.
    "badinv01": (
        request(
            "INVITE",
            via="SIP/2.0/UDP 192.0.2.15;;,;,,",
            to="sip:j.user@example.com",
            extra='Contact: "Joe" <sip:joe@example.org>;;;;',
        ),
        400,
    ),
    "emptyparams": (request("INVITE", extra='Contact: "Joe" <sip:joe@example.org>;;;;'), 400),
    # 3.1.2.2 and 3.1.2.3: Content-Length beyond the datagram, and below zero.
    "clerr": (request("INVITE", length="9999", body=SDP), 400),
    "ncl": (request("INVITE", length="-999", body=SDP), 400),
    # 3.1.2.4 and 3.1.2.5: numbers beyond their range, in a request and in a response.
    "scalar02": (request("REGISTER", cseq="36893488147419103232 REGISTER"), 400),
    "cseq31": (request(cseq="2147483648 OPTIONS"), 400),
    "bigmf": (request().replace(b"Max-Forwards: 70", b"Max-Forwards: 300"), 400),
    "scalarlg": (request(start="SIP/2.0 503 Service Unavailable", cseq="9292394834772304023312 OPTIONS"), None),
    # 3.1.2.6: a quote that never closes.
    "quotbal": (request("INVITE", to='"Mr. J. User <sip:j.user@example.com>'), 400),
    # 3.1.2.7 to 3.1.2.11: what a Request-Line must not look like.
    "ltgtruri": (request("INVITE", "<sip:user@example.com>"), 400),
    "lwsruri": (request("INVITE", "sip:user@example.com; lr"), 400),
    "lwsstart": (request("INVITE", start="INVITE  sip:user@example.com  SIP/2.0"), 400),
    "trws": (request(start="OPTIONS sip:remote-target@example.com SIP/2.0  "), 400),
    "escruri": (request("INVITE", "sip:user@example.com?Route=%3Csip:example.com%3E"), 400),
    # 3.1.2.13: a URI with a question mark outside <>.
    "regbadct": (
        request("REGISTER", "sip:example.com", extra="Contact: sip:user@example.com?Route=%3Csip:sip.example.com%3E"),
        400,
    ),
    # 3.1.2.16 to 3.1.2.19: version, method and status code.
    "badvers": (request(start="OPTIONS sip:t.watson@example.org SIP/7.0"), 505),
    "mismatch01": (request(cseq="8 INVITE"), 400),
    "mismatch02": (request("NEWMETHOD", cseq="8 INVITE"), 400),
    "bigcode": (request(start="SIP/2.0 4294967301 better not break the receiver", cseq="8 INVITE"), None),
    # 3.3.1: To, From, Call-ID and Via missing. Without them there is nobody to answer.
    "insuf": (
        wire("INVITE sip:user@example.com SIP/2.0\nMax-Forwards: 70\nCSeq: 193942 INVITE\nContent-Length: 0"),
        None,
    ),
    "nocseq": (request().replace(b"CSeq: 8 OPTIONS\r\n", b""), None),
    # 3.3.2 and 3.3.3: a Request-URI of a scheme nobody can route.
    "unkscm": (request(target="nobodyKnowsThisScheme:totallyopaquecontent"), 416),
    "novelsc": (request(target="soap.beep://192.0.2.103:3002"), 416),
    # 3.3.8 and 3.3.9: what may stand once stands twice.
    "multi01": (request("INVITE", extra="CSeq: 59 INVITE\nCall-ID: multi01.98asdh@192.0.2.2\nMax-Forwards: 5"), 400),
    "mcl01": (request(extra="Content-Length: 13\nContent-Length: 5", length="", body="There's no way"), 400),
    # Beyond the RFC: bytes that are no SIP at all.
    "empty": (b"", None),
    "garbage": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", None),
    "http": (b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n", None),
    "nulls": (b"\x00" * 200, None),
    "badheader": (request(extra="This line has no colon"), 400),
    "foldfirst": (b"OPTIONS sip:bob@example.com\r\n SIP/2.0\r\n" + request().partition(b"\r\n")[2], None),
    "badhost": (request(target="sip:bob@exa mple"), 400),
    "badport": (request(target="sip:bob@example.com:99999"), 400),
    "badescape": (request(target="sip:b%ZZob@example.com"), 400),
    "nocallid": (request().replace(b"torture.0ha0isndaksdj", b""), 400),
    "badvia": (request(via="SIP/2.0/UDP"), 400),
}
