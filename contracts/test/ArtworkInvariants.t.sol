// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Artwork} from "../src/Artwork.sol";
import {Splitter} from "../src/Splitter.sol";
import {Base, FuzzSelector, USED_DATASET, USED_MODEL, USED_PROCESS, Vm} from "./Base.sol";

/// @dev Mints works from works at random, moves and burns them, changes royalties, and remembers what each mint said:
/// manifest, parents, and what each account must get of the royalties. Steps that make no sense are skipped.
contract ArtworkHandler {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    uint16 private constant LEFT_BPS = 10_000 - 500 - 300 - 250;

    Artwork public immutable artwork;
    address[4] public accounts;

    /// @dev Ghosts, by token - 1.
    bytes32[] public manifests;
    uint96[] public royalties;
    uint256[][] public parents;
    mapping(uint256 tokenId => bool) public burned;
    mapping(uint256 tokenId => uint256) public moves;
    mapping(uint256 tokenId => mapping(address account => uint256)) public owedBps;
    uint256 public alive;

    /// @param known Registrants and treasury: they may be creators, too.
    constructor(Artwork artwork_, address[3] memory known) {
        artwork = artwork_;
        accounts = [known[0], known[1], known[2], address(0xA1)];
    }

    function mint(uint256 who, uint256 to, uint16 royaltyBps, uint256 parentSeed, uint8 count) external {
        Artwork.Mint memory m;
        uint256 tokenId = manifests.length + 1;
        m.to = _account(to);
        m.manifest = keccak256(abi.encode(who, to, parentSeed));
        m.pixelHash = keccak256(abi.encode(tokenId));
        (m.model, m.dataset, m.process) = (USED_MODEL, USED_DATASET, USED_PROCESS);
        m.royaltyBps = royaltyBps % 1_001;
        address creator = _account(who);
        m.parents = _parents(parentSeed, count % 10);
        _owe(tokenId, creator, m.parents);
        vm.prank(creator);
        require(artwork.mint(m) == tokenId, "ids count up");
        manifests.push(m.manifest);
        royalties.push(m.royaltyBps);
        parents.push();
        for (uint256 i; i < m.parents.length; ++i) {
            parents[tokenId - 1].push(m.parents[i].tokenId);
        }
        ++alive;
    }

    function move(uint256 token, uint256 to) external {
        uint256 tokenId = _living(token);
        if (tokenId == 0) return;
        address owner = artwork.ownerOf(tokenId);
        vm.prank(owner);
        artwork.transferFrom(owner, _account(to), tokenId);
        ++moves[tokenId];
    }

    function burn(uint256 token) external {
        uint256 tokenId = _living(token);
        if (tokenId == 0 || token % 3 != 0) return;
        vm.prank(artwork.ownerOf(tokenId));
        artwork.burn(tokenId, 0);
        (burned[tokenId], alive) = (true, alive - 1);
        ++moves[tokenId];
    }

    function setRoyalty(uint256 token, uint16 bps) external {
        uint256 tokenId = _living(token);
        if (tokenId == 0) return;
        vm.prank(artwork.creatorOf(tokenId));
        artwork.setRoyalty(tokenId, bps % 1_001);
        royalties[tokenId - 1] = bps % 1_001;
    }

    function count() external view returns (uint256) {
        return manifests.length;
    }

    function parentsOf(uint256 tokenId) external view returns (uint256[] memory) {
        return parents[tokenId - 1];
    }

    /// @dev Up to nine parents, of which at most eight with a share, all shares together less than what is left.
    function _parents(uint256 seed, uint256 wanted) private view returns (Artwork.Parent[] memory chosen) {
        if (alive == 0) wanted = 0;
        chosen = new Artwork.Parent[](wanted);
        for (uint256 i; i < wanted; ++i) {
            uint256 word = uint256(keccak256(abi.encode(seed, i)));
            uint16 share = i == 8 ? 0 : uint16((word >> 128) % (LEFT_BPS / 8));
            chosen[i] = Artwork.Parent(address(artwork), _living(word), uint8(word % 4), share);
        }
    }

    /// @dev The derivation of the split once more, by account instead of by place.
    function _owe(uint256 tokenId, address creator, Artwork.Parent[] memory chosen) private {
        mapping(address account => uint256) storage owed = owedBps[tokenId];
        uint256 left = LEFT_BPS;
        for (uint256 i; i < chosen.length; ++i) {
            owed[artwork.creatorOf(chosen[i].tokenId)] += chosen[i].shareBps;
            left -= chosen[i].shareBps;
        }
        owed[accounts[0]] += 500;
        owed[accounts[1]] += 300;
        owed[accounts[2]] += 250;
        owed[creator] += left;
    }

    function _account(uint256 seed) private view returns (address) {
        return accounts[seed % accounts.length];
    }

    function _living(uint256 seed) private view returns (uint256) {
        uint256 known = manifests.length;
        for (uint256 i; i < known; ++i) {
            uint256 tokenId = 1 + addmod(seed, i, known);
            if (!burned[tokenId]) return tokenId;
        }
        return 0;
    }
}

/// @dev Invariant families 1 and 2, and what a mint promises about royalties.
contract ArtworkInvariantsTest is Base {
    ArtworkHandler private handler;

    function setUp() public override {
        super.setUp();
        handler = new ArtworkHandler(artwork, [MODELLER, ARCHIVIST, TREASURY]);
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        bytes4[] memory steps = new bytes4[](5);
        (steps[0], steps[1]) = (ArtworkHandler.mint.selector, ArtworkHandler.mint.selector);
        (steps[2], steps[3]) = (ArtworkHandler.move.selector, ArtworkHandler.burn.selector);
        steps[4] = ArtworkHandler.setRoyalty.selector;
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(handler), steps);
    }

    /// @dev The invariants would hold of a handler that does nothing; this one does something.
    function testHandlerMintsFromParentsMovesAndBurns() external {
        handler.mint(3, 0, 500, 0, 0);
        handler.mint(2, 1, 0, 7, 9);
        equal(handler.parentsOf(2).length, 9, "nine parents");
        handler.move(0, 2);
        handler.setRoyalty(0, 77);
        handler.burn(0);
        require(handler.burned(1) && handler.alive() == 1, "burned");
        invariantEachLivingWorkHasOneOwnerAndBurnedOnesNone();
        invariantManifestsAndLineageStayAsMinted();
        invariantEveryAccountOwnsItsShareOfTheRoyalties();
    }

    function invariantEachLivingWorkHasOneOwnerAndBurnedOnesNone() public view {
        uint256 sum = artwork.balanceOf(handler.accounts(0)) + artwork.balanceOf(handler.accounts(1))
            + artwork.balanceOf(handler.accounts(2)) + artwork.balanceOf(handler.accounts(3));
        equal(sum, handler.alive(), "balances are the supply");
        equal(artwork.minted(), handler.count(), "every id once");
        for (uint256 tokenId = 1; tokenId <= handler.count(); ++tokenId) {
            (bool owned,) = address(artwork).staticcall(abi.encodeCall(artwork.ownerOf, (tokenId)));
            require(owned != handler.burned(tokenId), "burned ids never return");
            equal(artwork.transferCount(tokenId), handler.moves(tokenId), "every change of hands is counted");
        }
    }

    function invariantManifestsAndLineageStayAsMinted() public view {
        for (uint256 tokenId = 1; tokenId <= handler.count(); ++tokenId) {
            require(artwork.manifestOf(tokenId) == handler.manifests(tokenId - 1), "manifest");
            uint256[] memory parents = handler.parentsOf(tokenId);
            for (uint256 i; i < parents.length; ++i) {
                require(parents[i] < tokenId, "the parent was there before: no cycles");
            }
        }
    }

    function invariantEveryAccountOwnsItsShareOfTheRoyalties() public view {
        for (uint256 tokenId = 1; tokenId <= handler.count(); ++tokenId) {
            (address[] memory payees, uint16[] memory bps) = splitter.splitOf(tokenId);
            uint256 sum;
            for (uint256 i; i < payees.length; ++i) {
                equal(bps[i], handler.owedBps(tokenId, payees[i]), "one place with all that is theirs");
                sum += bps[i];
            }
            equal(sum, 10_000, "the whole, so nobody was left out");
            (address to, uint256 amount) = artwork.royaltyInfo(tokenId, 10_000);
            require(to == address(splitter) && amount == handler.royalties(tokenId - 1), "royalty");
        }
    }
}
