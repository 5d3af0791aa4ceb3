"""Calls of `Aigc`: prompts and manifests of works, as readers of ERC-7007 ask for them."""

from contracts.bindings.base import Binding
from contracts.errors import CalldataError

_COMMITMENT = b'"prompt":{"commitment":'


class Aigc(Binding):
    """The adapter of ERC-7007: `manifest` is a work's lineage manifest, byte for byte."""

    NAME = "Aigc"

    def add(self, token_id: int, prompt: bytes, manifest: bytes, proof: bytes) -> None:
        """Tells prompt and manifest of a work for ever and in public, as its creator."""
        self._send("addAigcData", token_id, prompt, manifest, proof)

    def assurance_of(self, prompt: bytes, manifest: bytes, proof: bytes) -> int:
        """Returns the level of the attestation that a proof names, 0 where it does not count."""
        return int(self._read("assuranceOf", prompt, manifest, proof))

    def attester(self) -> str:
        """Returns whose attestations count."""
        return str(self._read("attester"))

    @staticmethod
    def proof(manifest: bytes, salt: bytes, attestation: int) -> bytes:
        """Returns a proof: the prompt's salt, where the manifest commits to it, the attestation.

        `attestation` is its number among the Registry's for this manifest, from 0.

        Raises:
            CalldataError: the manifest commits to no prompt.
        """
        from eth_abi.abi import encode

        place = manifest.find(_COMMITMENT)
        if place < 0:
            message = "the manifest commits to no prompt; give the bytes that generate wrote"
            raise CalldataError(message)
        return encode(["bytes32", "uint256", "uint256"], [salt, place, attestation])
