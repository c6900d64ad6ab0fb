"""Why TLS with a server failed: asked of the server itself, after a call has failed.

gRPC and Python word the same fault differently, and neither says what the server's certificate
says. So a handshake is tried again here, first with whatever certificate it shows, then with the
client's own trust. Nothing else is sent.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Iterator

from deployworkbook.serving.api.addresses import Endpoint
from deployworkbook.serving.api.codes import Code
from deployworkbook.serving.client.errors import RequestError
from deployworkbook.serving.client.unreachable import Cause
from deployworkbook.serving.security.described import Described
from deployworkbook.serving.security.trust import Trust

# How long each handshake may take.
WITHIN_S = 1.0
# Reasons of OpenSSL, as numbers of X509_V_ERR_….
_NOT_YET_VALID, _EXPIRED, _OTHER_HOST = 9, 10, (62, 64)


class TlsError(RequestError):
    """TLS failed, and would fail again."""


# What went wrong, and what to do.
_Fault = tuple[str, str]


def fault_of(endpoint: Endpoint, trust: Trust | None) -> TlsError | None:
    """Find out whether TLS is why a call failed; ``None`` if it isn't.

    Args:
        endpoint: The server's address.
        trust: Whom the client trusts; ``None`` if it sent its call unencrypted.
    """
    shown = _shown(endpoint)
    if trust is None:
        fault = Cause.WANTS_TLS.value if isinstance(shown, bytes) else None
    else:
        fault = None if shown is None else _fault(endpoint, trust, shown)
    if fault is None:
        return None
    said, remedy = fault
    return TlsError(Code.UNAVAILABLE, f"no answer from {endpoint.address}: {said}", remedy)


def _fault(endpoint: Endpoint, trust: Trust, shown: bytes | ssl.SSLError) -> _Fault | None:
    if isinstance(shown, ssl.SSLError):
        what, remedy = Cause.TLS.value
        return f"{what} ({shown.reason or shown})", remedy
    try:
        # Since TLS 1.3 a server refuses a client's certificate only after the handshake.
        with (
            _handshake(endpoint, trust.context()) as secure,
            contextlib.suppress(TimeoutError),
        ):
            if not secure.recv(1):
                # gRPC's way: it doesn't say why, and a server that is content sends its settings.
                return _client_refused(trust, "it closed the connection after the handshake")
    except ssl.SSLCertVerificationError as error:
        return _refused(endpoint, trust, Described.of_der(shown), error)
    except ssl.SSLError as error:
        return _client_refused(trust, error.reason or str(error))
    except OSError:
        return None
    return None


def _refused(
    endpoint: Endpoint, trust: Trust, shown: Described, error: ssl.SSLCertVerificationError
) -> _Fault:
    match error.verify_code:
        case code if code == _EXPIRED:
            expected = "one that is valid today"
            remedy = (
                "Make new certificates on the server, restart it, and take its new ca.pem. If "
                "they are newer than that, correct this machine's clock."
            )
        case code if code == _NOT_YET_VALID:
            expected = "one that is valid already"
            remedy = "Correct the clock of this machine, or of the one that made it."
        case code if code in _OTHER_HOST:
            expected = f"one for {endpoint.host}"
            remedy = (
                f"Connect to a name that it is for, or make one with hosts=[{endpoint.host!r}]."
            )
        case _:
            ca = "a CA that this machine trusts" if trust.ca is None else f"the CA in {trust.ca}"
            expected = f"one signed by {ca}"
            remedy = (
                "Pass the ca.pem that was made with the server's certificate: tls=Path('ca.pem'). "
                "If you have, another server than yours may be answering: find out which."
            )
    said = f"its certificate was refused ({error.verify_message})"
    return f"{said}. Expected: {expected}. Received: {shown}", remedy


def _client_refused(trust: Trust, reason: str) -> _Fault:
    given = "none" if trust.certificate is None else str(trust.certificate)
    return (
        f"the server refused this client's certificate ({reason}). Expected: one "
        f"signed by the server's custom_ca. Received: {given}",
        "Ask the server's operator for a certificate and its key, and pass them: "
        "tls=Trust(ca, certificate, key), or the result of make_certificates(…, client=True).",
    )


def _shown(endpoint: Endpoint) -> bytes | ssl.SSLError | None:
    """Return the server's certificate, or how it failed to show one; ``None`` if unreachable."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # Only to look at the certificate; the connection is closed at once.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with _handshake(endpoint, context) as secure:
            return secure.getpeercert(binary_form=True)
    except ssl.SSLError as error:
        return error
    except (OSError, UnicodeError):
        return None


@contextlib.contextmanager
def _handshake(endpoint: Endpoint, context: ssl.SSLContext) -> Iterator[ssl.SSLSocket]:
    port = 443 if endpoint.port is None else endpoint.port
    context.set_alpn_protocols(["http/1.1" if endpoint.is_rest else "h2"])
    with (
        socket.create_connection((endpoint.host, port), WITHIN_S) as plain,
        context.wrap_socket(plain, server_hostname=endpoint.host) as secure,
    ):
        yield secure
