#!/usr/bin/env python3
"""Makes jit-vectors.json: JIT's encryption (DOMAIN.md section 5) by another library than ours.

Run:  python3 make_jit_vectors.py > jit-vectors.json     (needs the package `cryptography`)

AES-256-ECB is repeatable, so those vectors are compared exactly, both ways. RSA-OAEP is
randomised: its vectors are only decrypted. The RSA key is made anew on every run and guards
nothing.
"""

import base64
import hashlib
import json

from cryptography.hazmat.primitives import hashes, padding, serialization
from cryptography.hazmat.primitives.asymmetric import padding as rsa_padding
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def key_named(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


def aes(key: bytes, plain: bytes) -> str:
    padder = padding.PKCS7(128).padder()
    padded = padder.update(plain) + padder.finalize()
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return b64(encryptor.update(padded) + encryptor.finalize())


def rsa_vectors() -> dict:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    oaep = rsa_padding.OAEP(mgf=rsa_padding.MGF1(hashes.SHA1()), algorithm=hashes.SHA1(), label=None)
    public = private.public_key()
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    return {
        "private_pkcs8": b64(
            private.private_bytes(
                serialization.Encoding.DER,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        ),
        "public_der": b64(public.public_bytes(serialization.Encoding.DER, spki)),
        "public_pem": public.public_bytes(serialization.Encoding.PEM, spki).decode(),
        "oaep": [
            {"plain": b64(key_named(name)), "cipher": b64(public.encrypt(key_named(name), oaep))}
            for name in ("app-0", "app-1", "app-2")
        ],
    }


def main() -> None:
    plains = [
        b"",
        b"a",
        b"fifteen bytes!!",
        b"sixteen bytes!!!",
        b"seventeen bytes!!",
        '{"serviceId":"FTPS","errorMsg":"भुगतान ₹ 6,37,638.00"}'.encode(),
        bytes(range(256)),
        key_named("rek"),
    ]
    app_key, sek, rek = key_named("app"), key_named("sek"), key_named("rek")
    request = '{"serviceId":"FTPS","params":{"jitCorBillNo":"PI-1013/2023-24/000256"}}'
    reply = '{"serviceId":"FTPS","errorMsg":null,"data":[]}'
    print(
        json.dumps(
            {
                "aes": [
                    {"key": b64(key_named(f"aes-{i}")), "plain": b64(p), "cipher": aes(key_named(f"aes-{i}"), p)}
                    for i, p in enumerate(plains)
                ],
                "rsa": rsa_vectors(),
                "call": {
                    "app_key": b64(app_key),
                    "sek": b64(sek),
                    "sealed_sek": aes(app_key, sek),
                    "rek": b64(rek),
                    "request": request,
                    "sealed_params": aes(sek, request.encode()),
                    "sealed_rek": aes(sek, rek),
                    "reply": reply,
                    "sealed_reply": aes(rek, reply.encode()),
                },
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
