"""All our contracts on one chain, in the name of one signer."""

from pathlib import Path

from contracts.addresses import DEFAULT_STATE_DIR, Addresses, known_addresses
from contracts.bindings.aigc import Aigc
from contracts.bindings.artwork import Artwork
from contracts.bindings.auctions import Auctions
from contracts.bindings.base import Session
from contracts.bindings.drops import Drops
from contracts.bindings.loans import Loans
from contracts.bindings.market import Market
from contracts.bindings.price_feed import PriceFeed
from contracts.bindings.registry import Registry
from contracts.bindings.shares import StudioShares
from contracts.bindings.splitter import Splitter
from contracts.bindings.studio import Studio
from contracts.bindings.timelock import Timelock
from contracts.bindings.vaults import Vaults
from contracts.errors import DeploymentError
from contracts.gas import GasCaps
from contracts.nonces import lock_folder
from contracts.rpc import Rpc, mask_url
from contracts.signers import Signer, open_signer
from contracts.transactions import DEFAULT_CAPS


class Contracts:
    """One attribute per contract; see its class for the calls.

    Not for several threads at once (its connection is one); give each thread its own. Senders of
    one account then wait for each other, in whatever thread or process.
    """

    def __init__(self, session: Session) -> None:
        at = session.addresses
        self.session = session
        self.artwork = Artwork(session, at.artwork)
        self.market = Market(session, at.market, self.artwork)
        self.auctions = Auctions(session, at.auctions, self.artwork)
        self.drops = Drops(session, at.drops, self.artwork)
        self.vaults = Vaults(session, at.vault_factory, self.artwork)
        self.loans = Loans(session, at.loans, self.artwork)
        self.registry = Registry(session, at.registry)
        self.splitter = Splitter(session, at.splitter)
        self.studio_shares = StudioShares(session, at.studio_shares)
        self.studio = Studio(session, at.studio)
        self.timelock = Timelock(session, at.timelock)
        self.aigc = Aigc(session, at.aigc)
        self.price_feed = PriceFeed(session, at.price_feed)

    @classmethod
    def connect(
        cls,
        rpc_url: str,
        state_dir: Path = DEFAULT_STATE_DIR,
        signer: Signer | str | None = None,
        caps: GasCaps = DEFAULT_CAPS,
    ) -> "Contracts":
        """Returns the contracts known on the node's chain.

        `signer` names a keystore file or an environment variable; on chain 31337 it may be an
        address, or None for the node's first account.

        Raises:
            DeploymentError: no contracts are known there, or the chain holds no code at them.
            RpcError: the node cannot be reached.
            SignerError: nobody to sign with.
        """
        rpc = Rpc(rpc_url)
        chain_id = int(rpc.call("eth_chainId"), 16)
        addresses = known_addresses(chain_id, state_dir)
        if addresses is None or rpc.call("eth_getCode", [addresses.artwork, "latest"]) == "0x":
            message = (
                f"our contracts are not on chain {chain_id} at {mask_url(rpc_url)}; "
                "run: raisonne chain deploy"
            )
            raise DeploymentError(message)
        account = open_signer(signer, rpc, chain_id)
        return cls(Session(rpc, addresses, account, caps, lock_folder(state_dir, chain_id)))

    @property
    def addresses(self) -> Addresses:
        """Where the contracts are."""
        return self.session.addresses

    @property
    def signer(self) -> Signer:
        """Who sends."""
        return self.session.signer
