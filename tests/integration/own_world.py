"""A history on a real node in which everything happens that our contracts can do.

Written as plain calls of the contracts, so that it needs no binding, and acted out by anvil's own
accounts: 0 deployed, registers and proposes to the timelock; 1 and 2 are artists, 3 to 6 collect.
"""

import hashlib
from typing import Any

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from contracts import calldata
from contracts.addresses import Addresses
from contracts.decoding import decode_answer
from contracts.rpc import Rpc

NOBODY = "0x" + "0" * 40
ETHER = 10**18
DAY = 86_400
SUPPLY = 1_000 * ETHER + 7
_NAMES = {
    "timelock": "Timelock", "registry": "Registry", "splitter": "Splitter", "artwork": "Artwork",
    "market": "Market", "auctions": "Auctions", "drops": "Drops", "vault_factory": "VaultFactory",
    "loans": "Loans", "studio_shares": "StudioShares", "studio": "Studio",
    "price_feed": "PriceFeed", "aigc": "Aigc",
}  # fmt: skip


def digest(text: str) -> bytes:
    """A digest of its own for every text."""
    return hashlib.sha256(text.encode()).digest()


MODEL, BASE, DATASET, OTHER_DATASET, PROCESS = map(
    digest, ("model", "base", "dataset", "other dataset", "process")
)


class World:
    """A node with our contracts, and the accounts that act on it."""

    def __init__(self, rpc: Rpc, addresses: Addresses) -> None:
        self.rpc, self.own = rpc, addresses
        self.accounts = [each.lower() for each in rpc.call("eth_accounts")]
        # Whoever the deployment named as operator or guardian may not be one of these.
        rpc.call("anvil_autoImpersonateAccount", [True])
        self._minted = 0

    def at(self, name: str) -> tuple[str, str]:
        """Name of the contract and its address: a field of the addresses, or a vault."""
        return (_NAMES[name], getattr(self.own, name)) if name in _NAMES else ("Vault", name)

    def ask(self, name: str, function: str, *values: Any) -> Any:
        """What a contract answers now."""
        contract, address = self.at(name)
        data = "0x" + calldata.encode_call(contract, function, *values).hex()
        answer = self.rpc.call("eth_call", [{"to": address, "data": data}, "latest"])
        return decode_answer(contract, function, bytes.fromhex(answer[2:]))

    def do(self, who: int | str, name: str, function: str, *values: Any, wei: int = 0) -> None:
        """A transaction of an account, which must succeed."""
        contract, address = self.at(name)
        sender = self.accounts[who] if isinstance(who, int) else who
        if sender not in self.accounts:
            self.rpc.call("anvil_setBalance", [sender, hex(10 * ETHER)])
        data = calldata.encode_call(contract, function, *values)
        self.pay(sender, address, wei, data, f"{contract}.{function}")

    def pay(self, sender: str, to: str, wei: int, data: bytes = b"", what: str = "payment") -> None:
        """A transaction with native coin."""
        transaction = {
            "from": sender, "to": to, "value": hex(wei), "data": "0x" + data.hex(),
            "gas": hex(8_000_000),
        }  # fmt: skip
        tx_hash = self.rpc.call("eth_sendTransaction", [transaction])
        receipt = None
        while receipt is None:  # anvil mines at once, and tells a moment later
            receipt = self.rpc.call("eth_getTransactionReceipt", [tx_hash])
        assert receipt["status"] == "0x1", f"{what} was reverted"

    def now(self) -> int:
        """The time of the latest block."""
        return int(self.rpc.call("eth_getBlockByNumber", ["latest", False])["timestamp"], 16)

    def wait(self, seconds: int) -> None:
        """Lets time pass, and mines a block."""
        self.rpc.call("evm_increaseTime", [seconds])
        self.rpc.call("evm_mine")

    def govern(self, name: str, function: str, *values: Any) -> None:
        """A decision of the timelock: announced, waited for, and carried out by a passer-by."""
        contract, target = self.at(name)
        data = calldata.encode_call(contract, function, *values)
        delay = self.ask("timelock", "getMinDelay")
        salt = digest(f"{function} {self.now()}")
        self.do(0, "timelock", "schedule", target, 0, data, bytes(32), salt, delay)
        self.wait(delay + 1)
        self.do(6, "timelock", "execute", target, 0, data, bytes(32), salt)

    def call_off(self, name: str, function: str, *values: Any) -> None:
        """A decision that was announced, and is not carried out."""
        contract, target = self.at(name)
        data = calldata.encode_call(contract, function, *values)
        terms = (target, 0, data, bytes(32), digest(f"{function} {self.now()}"))
        self.do(0, "timelock", "schedule", *terms, self.ask("timelock", "getMinDelay"))
        self.do(0, "timelock", "cancel", self.ask("timelock", "hashOperation", *terms))

    def words(
        self, to: str, name: str, dataset: bytes, parents: tuple[Any, ...]
    ) -> tuple[Any, ...]:
        """What a mint is told."""
        made_of = (digest(f"manifest {name}"), digest(f"pixels {name}"), MODEL, dataset, PROCESS)
        return (to, *made_of, 7, 1_000, "data:application/json,{}", parents)

    def mint(self, artist: int, dataset: bytes = DATASET, parents: tuple[Any, ...] = ()) -> int:
        """A new work of an artist, with a royalty of 10 %; its number."""
        self._minted += 1
        words = self.words(self.accounts[artist], str(self._minted), dataset, parents)
        self.do(artist, "artwork", "mint", words)
        return int(self.ask("artwork", "minted"))

    def owner_of(self, work: int) -> int:
        """The account that has a work."""
        return self.accounts.index(self.ask("artwork", "ownerOf", work))

    def works_of(self, works: list[int], who: int) -> list[int]:
        """Those of the works that an account has."""
        return [n for n in works if self.ask("artwork", "ownerOf", n) == self.accounts[who]]

    def first_of(self, works: list[int], who: int) -> int:
        """One of the works that an account has."""
        return self.works_of(works, who)[0]

    def allow(self, who: int, operator: str) -> None:
        """Lets a contract take all works of an account."""
        self.do(who, "artwork", "setApprovalForAll", self.at(operator)[1], True)

    def give(self, work: int, sender: int, receiver: int) -> None:
        """A work as a gift."""
        ends = self.accounts[sender], self.accounts[receiver]
        self.do(sender, "artwork", "transferFrom", *ends, work)

    def list(self, seller: int, work: int, price: int) -> None:
        """A work at a fixed price."""
        self.do(seller, "market", "list", work, price, 0)

    def buy(self, buyer: int, work: int, price: int, *, too_much: int = 0) -> None:
        """A work from the market."""
        self.do(buyer, "market", "buy", work, price, NOBODY, wei=price + too_much)

    def split_work(self, curator: int, work: int, valuation: int) -> str:
        """A vault with the work; its address."""
        royalty = self.ask("vault_factory", "royaltyDue", work, valuation)
        contract, address = self.at("vault_factory")
        terms = (work, "Shares", "S", SUPPLY, valuation)
        data = "0x" + calldata.encode_call(contract, "open", *terms).hex()
        call = {"from": self.accounts[curator], "to": address, "data": data, "value": hex(royalty)}
        vault = "0x" + self.rpc.call("eth_call", [call, "latest"])[-40:]
        self.do(curator, "vault_factory", "open", *terms, wei=royalty + 5)
        return vault

    def share(self, shares: str, sender: int, receiver: int, amount: int) -> None:
        """Shares as a gift."""
        self.do(sender, shares, "transfer", self.accounts[receiver], amount)


def live(world: World) -> None:
    """Acts everything out."""
    world.do(0, "price_feed", "push", 2_500 * 10**8)
    _assets(world)
    works = _works(world)
    _market(world, works)
    _auctions(world, works)
    _drops(world, works)
    vault, voted = _vaults(world, works)
    _loans(world, works, vault)
    _royalties(world, works, vault)
    _studio(world, vault)
    _aigc(world)
    _disputes(world)
    mine = world.first_of(works, 2)
    world.do(2, "artwork", "burn", mine, 1)
    world.do(6, voted, "startBuyout", wei=2 * ETHER)  # and runs on


def _assets(w: World) -> None:
    w.do(0, "registry", "register", BASE, 1, bytes(32), "", ())
    w.do(0, "registry", "register", MODEL, 1, digest("card"), "ipfs://card", (BASE,))
    w.do(0, "registry", "register", DATASET, 2, bytes(32), "", ())
    w.govern("registry", "setRegistrar", w.accounts[5], True)
    w.do(5, "registry", "register", OTHER_DATASET, 2, bytes(32), "", ())
    w.do(0, "registry", "register", PROCESS, 3, bytes(32), "", ())
    w.do(3, "registry", "attest", MODEL, 2, digest("report"), True)


def _works(w: World) -> list[int]:
    first = w.mint(1)
    own = w.own.artwork
    works = [first, w.mint(2, parents=((own, first, 0, 1_500),))]
    works += [w.mint(1, OTHER_DATASET, ((own, first, 1, 0), (NOBODY[:-1] + "1", 5, 2, 0)))]
    works += [w.mint(1 + n % 2) for n in range(14)]
    for artist in (1, 2):
        for venue in ("market", "auctions", "drops", "vault_factory", "loans"):
            w.allow(artist, venue)
    w.do(1, "artwork", "setRoyalty", works[0], 750)
    return works


def _market(w: World, works: list[int]) -> None:
    first, second, third = works[:3]
    w.list(1, first, ETHER + 1)
    w.buy(3, first, ETHER + 1)
    w.allow(3, "market")
    w.list(3, first, 2 * ETHER + 333)
    w.buy(4, first, 2 * ETHER + 333, too_much=99)
    w.list(2, second, 777)
    w.do(2, "market", "cancel", second)
    w.list(2, second, 12_345)
    w.buy(3, second, 12_345)
    w.list(1, third, ETHER)  # and stays
    w.give(works[3], w.owner_of(works[3]), 6)


def _auctions(w: World, works: list[int]) -> None:
    a, b, c, d = works[4], works[5], works[6], works[7]
    owner = {n: w.owner_of(n) for n in (a, b, c, d)}
    for work in (a, b, c, d):
        w.do(owner[work], "auctions", "open", work, 1_000, DAY)
    w.do(3, "auctions", "bid", a, wei=1_001)
    w.do(4, "auctions", "bid", a, wei=5_000)
    w.do(3, "auctions", "bid", a, wei=6_003)
    w.do(4, "auctions", "withdraw")
    w.do(owner[b], "auctions", "cancel", b)
    w.wait(DAY + 1)
    w.do(6, "auctions", "settle", a)
    w.do(6, "auctions", "settle", c)  # nobody bid
    w.do(owner[c], "auctions", "open", c, 2_000, DAY)
    w.do(5, "auctions", "bid", c, wei=3_000)  # and runs on


def _drops(w: World, works: list[int]) -> None:
    mine = w.works_of(works[8:], 1)[:3]
    params = (ETHER, ETHER // 100, ETHER // 10, 10 * ETHER, ETHER)
    w.do(1, "drops", "open", mine, params, 0)
    w.wait(3_600)
    price = w.ask("drops", "priceOf", 1)
    w.do(3, "drops", "buy", 1, mine[0], 2 * price, NOBODY, wei=2 * price)
    w.do(1, "drops", "takeBack", 1, [mine[1]])
    w.do(1, "drops", "reprice", 1, (ETHER * 11 // 10, ETHER // 100, ETHER // 10, 10 * ETHER, ETHER))
    w.govern("drops", "setBounds", (10**15, 100 * ETHER, ETHER // 100, ETHER // 2, 1_000))
    w.do(1, "drops", "open", [mine[1]], params, w.now() + DAY)


def _vaults(w: World, works: list[int]) -> tuple[str, str]:
    """Vaults that are bought out, taken out of and open; returns two that are open."""
    w.allow(3, "vault_factory")
    w.allow(4, "vault_factory")
    sold = w.split_work(4, works[0], 3 * ETHER)
    w.share(sold, 4, 5, SUPPLY // 3)
    w.share(sold, 4, 6, 11)
    w.do(5, sold, "distribute", wei=1_000_003)
    w.do(5, sold, "claimDividend")
    w.share(sold, 5, 3, SUPPLY // 7)
    w.do(5, sold, "distribute", wei=17)
    w.do(4, sold, "vote", 4 * ETHER + 1, SUPPLY // 2)
    w.do(5, sold, "vote", 2 * ETHER, 10**9)
    w.do(3, sold, "vote", 5 * ETHER, SUPPLY // 9)
    w.do(3, sold, "unvote")
    reserve = w.ask(sold, "leastBid")
    w.do(6, sold, "startBuyout", wei=reserve)
    w.do(3, sold, "bid", wei=w.ask(sold, "leastBid"))
    w.wait(8 * DAY)
    w.do(5, sold, "settle")
    w.do(5, sold, "redeem")
    w.do(6, sold, "withdraw")
    bought = w.split_work(3, works[1], ETHER)
    w.share(bought, 3, 5, SUPPLY // 30)
    w.do(3, bought, "takeOut", wei=w.ask(bought, "takeOutPrice", w.accounts[3]) + 9)
    w.do(5, bought, "redeem")  # the last: dust goes to the treasury
    voted = w.split_work(3, works[1], ETHER)
    w.do(3, voted, "vote", 2 * ETHER, SUPPLY)
    w.allow(6, "vault_factory")
    quiet = w.split_work(6, works[3], ETHER)
    w.share(quiet, 6, 4, 5_000)
    w.do(4, quiet, "vote", ETHER, 3)
    w.do(4, quiet, "distribute", wei=1_234_567)
    return quiet, voted


def _loans(w: World, works: list[int], vault: str) -> None:
    work = w.first_of(works, 2)

    def offer() -> int:
        w.do(2, "loans", "offerWork", work, 1_000, 1_100, DAY)
        return int(w.ask("loans", "loanCount"))

    def lend(loan: int) -> None:
        w.do(5, "loans", "lend", loan, w.ask("loans", "termsOf", loan), wei=1_000)

    w.do(2, "loans", "cancel", offer())
    repaid = offer()
    lend(repaid)
    w.do(5, "loans", "transferNote", repaid, w.accounts[6])
    w.do(3, "loans", "repay", repaid, wei=1_100)
    w.do(6, vault, "approve", w.own.loans, 2**255)
    w.do(6, "loans", "offerShares", vault, 12_345, 1_000, 1_000, DAY)
    lend(int(w.ask("loans", "loanCount")))
    defaulted = offer()
    lend(defaulted)
    w.wait(DAY + 5)
    w.do(5, "loans", "claim", defaulted)
    w.do(2, "loans", "offerWork", w.first_of(works, 2), 5, 6, DAY)
    w.do(6, "loans", "offerShares", vault, 77, 1_000, 2_000, DAY)
    lend(int(w.ask("loans", "loanCount")))


def _royalties(w: World, works: list[int], vault: str) -> None:
    first, second = works[:2]
    w.do(3, "splitter", "release", [first, second], NOBODY, w.accounts[1])
    w.do(1, "splitter", "reassign", first, 0, w.accounts[4])
    w.do(3, "splitter", "receiveRoyalty", first, 2, wei=10_001)
    w.do(4, "splitter", "releaseTo", [first], NOBODY, w.accounts[6])
    w.pay(w.accounts[3], w.own.splitter, 33)
    w.do(4, vault, "approve", w.own.splitter, 2**255)
    w.do(4, "splitter", "receiveRoyaltyToken", second, vault, 999, 2)
    w.do(4, vault, "transfer", w.own.splitter, 13)
    w.do(3, "splitter", "collect", vault)
    w.do(3, "splitter", "release", [second], vault, w.accounts[2])


def _studio(w: World, vault: str) -> None:
    holder = next(a for a in w.accounts if w.ask("studio_shares", "balanceOf", a) > 0)
    whose = w.accounts.index(holder)
    supply = w.ask("studio_shares", "totalSupply")
    for voter, part in ((3, 5), (4, 7), (5, 11)):
        if voter != whose:
            w.share("studio_shares", whose, voter, supply // part)
    operator = w.ask("studio", "operator")
    w.govern("studio", "setRoundRules", (3_600, 3_600, 3_600, 5_000, 500, 100))
    w.govern("studio", "setBudget", 0, ETHER)
    w.govern("studio", "setBudget", 129, 5)
    accepted = _round(w, operator)
    w.wait(60)
    w.pay(w.accounts[3], w.own.studio, 20 * ETHER)
    number = str(999)
    words = w.words(w.own.studio, number, DATASET, ())
    assert words[1] == accepted
    w.do(operator, "studio", "mint", words)
    work = int(w.ask("artwork", "minted"))
    params = (ETHER, ETHER // 100, ETHER // 10, 10 * ETHER, ETHER)
    w.do(operator, "studio", "openDrop", [work], params, 0)
    drop = int(w.ask("drops", "dropCount"))
    price = w.ask("drops", "priceOf", drop)
    w.do(5, "drops", "buy", drop, work, price, NOBODY, wei=price)
    w.do(operator, "studio", "spend", 0, w.accounts[6], 1_000)
    w.do(operator, "studio", "transition", 1, digest("anchor 1"))
    w.do(operator, "studio", "transition", 2, digest("anchor 2"))
    w.govern("studio", "setLimits", 2, 300)
    w.call_off("studio", "setLimits", 200, 9_000)
    w.govern("studio", "setReserve", 5 * ETHER)
    w.do(6, "studio", "shareProceeds")
    w.do(3, "studio_shares", "claimDividend")
    w.share("studio_shares", 4, 6, 12_345)
    w.pay(w.accounts[3], w.own.studio, ETHER)
    w.do(6, "studio", "shareProceeds")
    w.do(w.ask("studio", "guardian"), "studio", "pause")
    w.govern("studio", "unpause")
    w.do(operator, "studio", "openRound")  # and stays open
    w.do(operator, "studio", "submit", 2, digest("another"))
    _gifts(w, vault)


def _gifts(w: World, vault: str) -> None:
    """What the studio was given, and its owner sends elsewhere."""
    work = w.mint(1)
    w.do(1, "artwork", "transferFrom", w.accounts[1], w.own.studio, work)
    w.do(4, vault, "transfer", w.own.studio, 21)
    w.govern("studio", "sendWork", work, w.accounts[5])
    w.govern("studio", "sendToken", vault, w.accounts[3], 20)


def _round(w: World, operator: str) -> bytes:
    """A round in which one of two manifests is accepted; which."""
    rules = w.ask("studio", "roundRules")
    wanted, other = digest("manifest 999"), digest("manifest 998")
    w.wait(5)
    w.do(operator, "studio", "openRound")
    for manifest in (other, wanted):
        w.do(operator, "studio", "submit", 1, manifest)
    w.wait(rules[0] + 1)
    votes = {3: (2, digest("salt 3")), 4: (2, digest("salt 4")), 5: (1, digest("salt 5"))}
    w.do(4, "studio", "commitVote", 1, digest("a mistake"))
    for voter, (choice, salt) in votes.items():
        hidden = w.ask("studio", "hashVote", 1, w.accounts[voter], choice, salt)
        w.do(voter, "studio", "commitVote", 1, hidden)
    w.wait(rules[1] + 1)
    for voter in (3, 4):  # the third never shows what it voted
        choice, salt = votes[voter]
        w.do(voter, "studio", "revealVote", 1, choice, salt)
    w.wait(rules[2] + 1)
    w.do(6, "studio", "closeRound", 1)
    return wanted


def _aigc(w: World) -> None:
    """A work that tells its prompt, with the commitment that its manifest holds."""
    salt, prompt = digest("salt"), b"a quiet sea"
    commitment = keccak(salt + prompt).hex()
    manifest = f'{{"prompt":{{"commitment":"0x{commitment}"}}}}'.encode()
    to, _, *others = w.words(w.accounts[1], "told", DATASET, ())
    w.do(1, "artwork", "mint", (to, hashlib.sha256(manifest).digest(), *others))
    work = int(w.ask("artwork", "minted"))
    attester, level = w.ask("aigc", "attester"), w.ask("aigc", "minLevel")
    told = hashlib.sha256(manifest).digest()
    w.do(attester, "registry", "attest", told, level, digest("checked"), True)
    proof = encode(["bytes32", "uint256", "uint256"], [salt, manifest.index(b'"prompt"'), 0])
    w.do(1, "aigc", "addAigcData", work, prompt, manifest, proof)


def _disputes(w: World) -> None:
    w.do(5, "registry", "openDispute", digest("manifest 1"), digest("copied"))
    w.govern("registry", "resolveDispute", digest("manifest 1"), digest("copied"), 2)
    w.do(3, "registry", "openDispute", OTHER_DATASET, digest("evidence"))
    w.govern("registry", "resolveDispute", OTHER_DATASET, digest("evidence"), 2)
    w.do(3, "registry", "openDispute", PROCESS, digest("nothing"))
    w.govern("registry", "resolveDispute", PROCESS, digest("nothing"), 1)
    w.do(4, "registry", "openDispute", BASE, digest("pending"))
