"""Calls of `Artwork`: works, their royalty terms and their lineage."""

from contracts.bindings.base import Binding
from contracts.calldata import MintRequest, mint_fields
from contracts.decoding import first_event


class Artwork(Binding):
    """The works."""

    NAME = "Artwork"

    def mint(self, request: MintRequest) -> int:
        """Mints a work, with the signer as its creator, and returns its token id."""
        receipt = self._send("mint", mint_fields(request))
        return int(first_event(receipt, self.NAME, "ArtworkMinted")["tokenId"])

    def burn(self, token_id: int, reason: int = 0) -> None:
        """Destroys a work of the signer: 0 unstated, 1 withdrawn, 2 defect, 3 lost dispute."""
        self._send("burn", token_id, reason)

    def set_royalty(self, token_id: int, bps: int) -> None:
        """Changes the royalty of a work that the signer created, at most 1 000 bps."""
        self._send("setRoyalty", token_id, bps)

    def approve(self, operator: str, token_id: int | None = None) -> None:
        """Lets an operator move one work of the signer, or all of them without a token id."""
        if token_id is None:
            self._send("setApprovalForAll", operator, True)
        else:
            self._send("approve", operator, token_id)

    def transfer(self, to_address: str, token_id: int) -> None:
        """Gives a work of the signer away."""
        self._send("transferFrom", self.me, to_address, token_id)

    def owner_of(self, token_id: int) -> str:
        """Returns the owner of a work, lower-case."""
        return str(self._read("ownerOf", token_id))

    def creator_of(self, token_id: int) -> str:
        """Returns who minted a work, also of a burned one."""
        return str(self._read("creatorOf", token_id))

    def minted(self) -> int:
        """Returns how many works were ever minted: the id of the last one."""
        return int(self._read("minted"))

    def token_of_pixel_hash(self, pixel_hash: bytes) -> int | None:
        """Returns the one token that ever had these pixels, None if none had."""
        return int(self._read("tokenOfPixelHash", pixel_hash)) or None

    def manifest_of(self, token_id: int) -> bytes:
        """Returns the 32 bytes bound to a work at its mint; zeros for an id never given."""
        return bytes(self._read("manifestOf", token_id))

    def token_uri(self, token_id: int) -> str:
        """Returns the URI of a work."""
        return str(self._read("tokenURI", token_id))

    def royalty_of(self, token_id: int, price_wei: int) -> tuple[str, int]:
        """Returns recipient and wei of the royalty on a price."""
        recipient, amount_wei = self._read("royaltyInfo", token_id, price_wei)
        return str(recipient), int(amount_wei)

    def is_approved(self, owner: str, operator: str) -> bool:
        """Returns whether an operator may move all works of an owner."""
        return bool(self._read("isApprovedForAll", owner, operator))

    def approve_once(self, operator: str) -> None:
        """Lets an operator move all works of the signer, unless it may already."""
        if not self.is_approved(self.me, operator):
            self.approve(operator)
