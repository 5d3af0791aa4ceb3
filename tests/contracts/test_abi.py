import pytest

from contracts import abi, compile
from contracts.errors import CompilerError, DeploymentError

FIXED_TOPICS = {
    # contract, canonical signature, topic0: fixed by the design's provenance page, section 3.3,
    # which computed them apart from this code.
    ("Artwork", "ArtworkMinted(uint256,bytes32,address,bytes32,bytes32,bytes32,bytes32,uint256,"
     "string)"):
        "0xfbff34ea2ea4241b5e3be549a0bb28856456904c7ad40a0d00e51e52e9d4b545",
    ("Artwork", "LineageEdge(uint256,uint256,address,uint256,uint8,uint16)"):
        "0x672682f3d9e81c36567749b13df6c39d803a385eadbaf7df16a797b57fa588d4",
    ("Artwork", "ArtworkBurned(uint256,address,bytes32,uint8)"):
        "0xcc53f3d30d2289bb97a789cbae4808acf6f8b3ace4f0eb5fc5918dee6d386b4d",
    ("Artwork", "MetadataUpdate(uint256)"):
        "0xf8e1a15aba9398e019f0b49df1a4fde98ee17ae345cb5f6b5e2c27f5033e8ce7",
    ("Artwork", "Transfer(address,address,uint256)"):
        "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef",
    ("Market", "Listed(uint256,address,uint8,uint256,uint64)"):
        "0x42a660704603d47fcfbf50699ae666d70a26eba4bb24366957691db8f1de128e",
    ("Market", "ListingCancelled(uint256,address)"):
        "0x8e25282255ab31897df2b0456bb993ac7f84d376861aefd84901d2d63a7428a2",
    ("Market", "Sold(uint256,address,address,uint8,uint256,uint256,uint256)"):
        "0x0d37105b758f7670427c4b657baedf212e4cbcb40c5a8cb35712530e86ca4330",
    ("Auctions", "Listed(uint256,address,uint8,uint256,uint64)"):
        "0x42a660704603d47fcfbf50699ae666d70a26eba4bb24366957691db8f1de128e",
    ("Auctions", "ListingCancelled(uint256,address)"):
        "0x8e25282255ab31897df2b0456bb993ac7f84d376861aefd84901d2d63a7428a2",
    ("Auctions", "Sold(uint256,address,address,uint8,uint256,uint256,uint256)"):
        "0x0d37105b758f7670427c4b657baedf212e4cbcb40c5a8cb35712530e86ca4330",
    ("VaultFactory", "VaultOpened(address,uint256,address,uint256,uint256)"):
        "0xa095d0b63f44e54d6d3c00df28acb5406c4cd6421f6e374ca2dd616c30b5dbea",
    ("Vault", "ReserveVote(address,address,uint256,uint256)"):
        "0xe2ccd0abb319e4b0f62da28aeef0845743c7b62f8b8d121310a8d8df9f25477a",
    ("Vault", "BuyoutStarted(address,address,uint256,uint64)"):
        "0xa5b49d858fd7f8f3f88d737c6846ec8db438dc6f3d3a8f9b94cb621e25884bf2",
    ("Vault", "BuyoutBid(address,address,uint256,uint64)"):
        "0x9b83352081543c434bbc5abdfeafb4983e33abf7fe3abff2ca1c47b5f43b3e59",
    ("Vault", "BuyoutSettled(address,address,uint256,uint256)"):
        "0x4f595ce6abc72c98a19906551cba361669a89acb3dc87b52861b5ad41df83980",
    ("Vault", "SharesRedeemed(address,address,uint256,uint256)"):
        "0xae5efe4bc62299c66cadda007409097b494acdd42aabfaafdf8f9b6adbb3a098",
    ("Registry", "AssetRegistered(bytes32,uint8,address,bytes32,string)"):
        "0x801e9d9813fbe11e12141146b8f5d3297acbf1492cc07f3e38be28bd2c1b4ae3",
    ("Registry", "Attested(bytes32,address,uint8,bytes32,bool)"):
        "0x6a2fd71fc5e5d64b587e6501335cee138eae30a26fe5ef9681a7503486c2dec1",
    ("Registry", "DisputeOpened(bytes32,address,bytes32)"):
        "0xf10b951b278ce6146e6c1cd00b762a4e1ece12bda0cda603f330c4cb1874faf9",
    ("Registry", "DisputeResolved(bytes32,uint8)"):
        "0x0a168b993fc74606982b54f62facd64a9642fc31797b78c5b503b4116f3c8388",
    ("Splitter", "SplitSet(uint256,address[],uint16[])"):
        "0x66ac2df8767ce27d7d14afc423998325efe2f2a8e9c2517adee08e532b664ad2",
    ("Splitter", "RoyaltyReceived(uint256,address,uint256,uint8)"):
        "0x958aadf6721b5f808703de49d928a27163e77019d8f33b1bb2ee86b6b27e7040",
    ("Splitter", "RoyaltyReleased(uint256,address,uint256)"):
        "0x1a0a4f06b85eda2bf6b402d8fdf162a78b11f764966a7681571b9a39fae84283",
    ("Studio", "Submitted(uint256,bytes32,address,uint64)"):
        "0xe99f03d858432534b5da66787d13ec571b99a6c355407641cfea30c051e22859",
    ("Studio", "VoteCommitted(uint256,address,bytes32)"):
        "0x1f4e2aa7825ef02e85293e2de66cfbcb326af2632b558996e546bb1ef3e8764d",
    ("Studio", "VoteRevealed(uint256,address,uint8,uint256)"):
        "0x9e760a61e129b94e03a7b497c0e85c91334288c2e9f60e11b1a176294c8e3991",
    ("Studio", "RoundClosed(uint256,uint8,uint256,uint256,bytes32)"):
        "0xc83913757890a16eefb4be16e4ea04379482d8046ae17a61fb5a1e535c5b8cd1",
    ("Studio", "LoopTransition(uint256,uint8,uint8,bytes32,address)"):
        "0x6903a1047c1bbd3e607678dbb0db146f21b9f7dd2b4fe78690d6c3c88cb472c3",
    ("Studio", "BudgetSpent(uint256,uint8,uint256,uint256)"):
        "0x6a631ccddc07ea473d3083a7bd2020d4ae6bb1b945d1af5400ddaaf974063e6c",
    # Chainlink's aggregator event, as listed by its own deployments.
    ("PriceFeed", "AnswerUpdated(int256,uint256,uint256)"):
        "0x0559884fd3a460db3073b7fc896cc77986f16e378210ded43186175bf646fc5f",
}  # fmt: skip

# What an indexer finds in topics; the rest is in the data. Names in the order of the topics.
INDEXED = {
    ("Artwork", "ArtworkMinted"): ["tokenId", "manifest", "creator"],
    ("Artwork", "RoyaltySet"): ["tokenId"],
    ("Artwork", "LineageEdge"): ["child", "ordinal", "parentContract"],
    ("Artwork", "ArtworkBurned"): ["tokenId", "by"],
    ("Market", "Listed"): ["tokenId", "seller"],
    ("Market", "ListingCancelled"): ["tokenId", "seller"],
    ("Market", "Sold"): ["tokenId", "seller", "buyer"],
    ("Market", "Paid"): ["tokenId", "recipient", "role"],
    ("VaultFactory", "Paid"): ["tokenId", "recipient", "role"],
    ("VaultFactory", "VaultOpened"): ["vault", "tokenId", "curator"],
    ("Vault", "ReserveVote"): ["vault", "voter"],
    ("Vault", "BuyoutStarted"): ["vault", "bidder"],
    ("Vault", "BuyoutBid"): ["vault", "bidder"],
    ("Vault", "BuyoutSettled"): ["vault", "winner"],
    ("Vault", "SharesRedeemed"): ["vault", "holder"],
    ("Vault", "SharesMoved"): ["vault", "from", "to"],
    ("Vault", "Paid"): ["tokenId", "recipient", "role"],
    ("PriceFeed", "AnswerUpdated"): ["current", "roundId"],
    ("Registry", "AssetRegistered"): ["digest", "kind", "registrant"],
    ("Registry", "AssetParent"): ["digest", "parent"],
    ("Registry", "Attested"): ["digest", "attester", "level"],
    ("Registry", "DisputeOpened"): ["digest", "opener"],
    ("Registry", "DisputeResolved"): ["digest"],
    ("Loans", "LoanOffered"): ["loanId", "borrower", "collateral"],
    ("Loans", "LoanCancelled"): ["loanId", "borrower"],
    ("Loans", "LoanStarted"): ["loanId", "borrower", "lender"],
    ("Loans", "LoanRepaid"): ["loanId", "borrower", "lender"],
    ("Loans", "LoanClaimed"): ["loanId", "borrower", "lender"],
    ("Loans", "NoteTransferred"): ["loanId", "from", "to"],
    ("Loans", "Paid"): ["tokenId", "recipient", "role"],
    ("Splitter", "SplitSet"): ["tokenId"],
    ("Splitter", "RoyaltyReceived"): ["tokenId", "payer", "source"],
    ("Splitter", "RoyaltyReleased"): ["tokenId", "payee"],
    ("Splitter", "RoyaltyTokenReceived"): ["tokenId", "payer", "currency"],
    ("Splitter", "RoyaltyTokenReleased"): ["tokenId", "payee", "currency"],
    ("Auctions", "BidPlaced"): ["tokenId", "bidder"],
    ("Studio", "RoundOpened"): ["round"],
    ("Studio", "Submitted"): ["round", "manifest", "creator"],
    ("Studio", "VoteCommitted"): ["round", "voter"],
    ("Studio", "VoteRevealed"): ["round", "voter"],
    ("Studio", "RoundClosed"): ["round"],
    ("Studio", "LoopTransition"): ["loop", "by"],
    ("Studio", "BudgetSpent"): ["epoch", "kind"],
    ("Studio", "BudgetSet"): ["kind"],
    ("StudioShares", "SharesMoved"): ["vault", "from", "to"],
    ("StudioShares", "DividendPaid"): ["vault", "payer"],
    ("StudioShares", "DividendClaimed"): ["vault", "holder"],
    ("Auctions", "Listed"): ["tokenId", "seller"],
    ("Auctions", "ListingCancelled"): ["tokenId", "seller"],
    ("Auctions", "Paid"): ["tokenId", "recipient", "role"],
    ("Auctions", "Sold"): ["tokenId", "seller", "buyer"],
}


@pytest.mark.parametrize(("key", "topic"), FIXED_TOPICS.items(), ids=lambda v: str(v)[:40])
def test_event_topics_are_the_fixed_ones(key, topic):
    contract, signature = key
    assert abi.event_topics(contract)[signature] == topic


@pytest.mark.parametrize(("key", "names"), INDEXED.items(), ids=str)
def test_events_index_what_the_architecture_says(key, names):
    event = abi.entry_of(key[0], "event", key[1])
    assert [part["name"] for part in event["inputs"] if part["indexed"]] == names
    indexed = [part["type"] for part in event["inputs"] if part["indexed"]]
    assert all(kind not in {"string", "bytes"} and "[" not in kind for kind in indexed)


def test_committed_artifacts_are_what_the_sources_compile_to():
    try:
        compiled = compile.compile_sources()
    except CompilerError as missing:
        if "missing" not in str(missing):
            raise
        pytest.skip(str(missing))
    committed = {
        path.stem: path.read_text(encoding="utf-8") for path in abi.ABI_FOLDER.glob("*.json")
    }
    assert compiled.keys() == committed.keys()
    stale = [name for name in compiled if compiled[name] != committed[name]]
    assert stale == [], "run: make contracts"


def test_a_source_that_does_not_compile_is_named(tmp_path):
    if compile.find_node() is None or not (compile.FOLDER / "node_modules" / "solc").is_dir():
        pytest.skip("node or contracts/node_modules/solc is missing")
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "Broken.sol").write_text("contract Broken { uint256 x = ; }")
    for shared in ("foundry.toml", "solc-wrap"):
        (tmp_path / shared).write_bytes((compile.FOLDER / shared).read_bytes())
    (tmp_path / "node_modules").symlink_to(compile.FOLDER / "node_modules")
    with pytest.raises(CompilerError, match=r"src/Broken\.sol"):
        compile.compile_sources(tmp_path)


def test_missing_compiler_is_one_line_with_the_fix(tmp_path):
    (tmp_path / "foundry.toml").write_bytes((compile.FOLDER / "foundry.toml").read_bytes())
    (tmp_path / "src").mkdir()
    with pytest.raises(CompilerError, match="make setup"):
        compile.compile_sources(tmp_path)


def test_deployable_code_keeps_to_the_size_limit_of_public_chains():
    sizes = {name: len(abi.load(name).runtime) // 2 - 1 for name in abi.artifact_names()}
    assert set(sizes) == {
        "Aigc", "Artwork", "Auctions", "Drops", "Loans", "Market", "PriceFeed", "Registry",
        "Splitter", "Studio", "StudioShares", "Timelock", "Vault", "VaultFactory",
    }  # fmt: skip
    assert max(sizes.values()) < 24_576  # EIP-170


def test_unknown_contract_names_the_known_ones():
    with pytest.raises(DeploymentError, match="Artwork, Auctions, Drops, Loans, Market"):
        abi.load("Atelier")


def test_unknown_member_is_named():
    with pytest.raises(DeploymentError, match="Market has no function 'auction'"):
        abi.selector("Market", "auction")
