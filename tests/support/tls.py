"""TLS on loopback, with a certificate for 127.0.0.1 that nobody has signed but its owner."""

import ssl
from pathlib import Path


def certificate(folder: Path) -> Path:
    """A file with the certificate and its key: a server's, and for a client that is to trust it."""
    path = folder / "nobody.pem"
    path.write_text(NOBODY)
    return path


def server_context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


NOBODY = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgk/GkedOf08s/sshL
r6j69+1mcUknfizoGSjrhLivM1ahRANCAARXGDD3bwXc1henZQhqMsaTDjqaXRSV
nzvbf4ru2lkbcCgY40VkQOMwN0PtKCkxnrEvnsllOK5KMN307OG0mvWA
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBiTCCATCgAwIBAgIUKHr1zvN3FKk8n2nUugX8w75/p0AwCgYIKoZIzj0EAwIw
ETEPMA0GA1UEAwwGbm9ib2R5MCAXDTI2MTEyMzAzMjYxNVoYDzIxMjYxMDMwMDMy
NjE1WjARMQ8wDQYDVQQDDAZub2JvZHkwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
AARXGDD3bwXc1henZQhqMsaTDjqaXRSVnzvbf4ru2lkbcCgY40VkQOMwN0PtKCkx
nrEvnsllOK5KMN307OG0mvWAo2QwYjAdBgNVHQ4EFgQUUo4DvBYhR3MDgHkRrsyz
21lqYbAwHwYDVR0jBBgwFoAUUo4DvBYhR3MDgHkRrsyz21lqYbAwDwYDVR0TAQH/
BAUwAwEB/zAPBgNVHREECDAGhwR/AAABMAoGCCqGSM49BAMCA0cAMEQCIHd+1Z4e
igP2WVBk110z0yoOGSnNF6qyqCEPcwe1S60mAiBdzH3lSli85S61POKpBaea3dh+
nfe49/7awvDwvXm6TA==
-----END CERTIFICATE-----
"""
"""A key and certificate signed by itself, for 127.0.0.1; worth nothing."""
