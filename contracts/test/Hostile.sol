// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Artwork} from "../src/Artwork.sol";
import {Market} from "../src/Market.sol";
import {Payouts} from "../src/Payouts.sol";
import {Registry} from "../src/Registry.sol";
import {Splitter} from "../src/Splitter.sol";

/// @dev Owns a work and sells it; what it does with ETH is up to the child.
abstract contract Seller {
    function offer(Artwork artwork, Market market, uint256 tokenId, uint256 price) external {
        artwork.setApprovalForAll(address(market), true);
        market.list(tokenId, price, 0);
    }

    function withdrawTo(Payouts payouts, address to) external {
        payouts.withdrawTo(to);
    }

    function withdraw(Payouts payouts) external {
        payouts.withdraw();
    }
}

/// @dev Refuses all ETH: it has neither receive nor fallback.
contract Refuser is Seller {}

/// @dev Burns all the gas it is given.
contract GasBurner is Seller {
    receive() external payable {
        while (true) {}
    }
}

/// @dev Reverts with a megabyte of data, which would be paid for by whoever copies it.
contract ReturnBomb is Seller {
    receive() external payable {
        assembly {
            revert(0, 1000000)
        }
    }
}

/// @dev Needs more than the 2,300 gas of `transfer` to book what it gets.
contract Bookkeeper is Seller {
    uint256 public received;
    uint256 public payments;

    receive() external payable {
        received += msg.value;
        payments += 1;
    }
}

/// @dev Tries, whenever it is paid, to call back into the contract that pays; remembers whether it got in.
contract Reentrant is Seller {
    address public target;
    bytes public attack;
    uint256 public stake;
    bool public tried;
    bool public succeeded;

    /// @dev What is sent along is staked in the attack.
    function arm(address target_, bytes calldata attack_) external payable {
        target = target_;
        attack = attack_;
        stake = msg.value;
    }

    receive() external payable {
        if (target == address(0)) return;
        tried = true;
        (succeeded,) = target.call{value: stake}(attack);
    }
}

/// @dev Buys for less than it sends; is told by its mood whether to take the change.
contract Overpayer {
    bool public refusing = true;

    function buy(Market market, uint256 tokenId, uint256 price, uint256 sent) external {
        market.buy{value: sent}(tokenId, price, address(0));
    }

    function withdraw(Payouts payouts) external {
        refusing = false;
        payouts.withdraw();
    }

    receive() external payable {
        require(!refusing, "no change, thanks");
    }
}

/// @dev An Artwork that asks for half of every price, against its own cap.
contract GreedyArtwork is Artwork {
    constructor(Registry registry_, Splitter splitter_, Terms memory terms)
        Artwork("Greedy", "GRD", registry_, splitter_, terms)
    {}

    function royaltyInfo(uint256, uint256 price) public view override returns (address, uint256) {
        return (address(splitter), price / 2);
    }
}

/// @dev Forces its ETH into any account.
contract Donor {
    constructor(address payable to) payable {
        selfdestruct(to);
    }
}
