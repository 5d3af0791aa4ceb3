// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// Emits the events of real markets, as many as asked for, and nothing else happens.
contract Emitter {
    struct SpentItem {
        uint8 itemType;
        address token;
        uint256 identifier;
        uint256 amount;
    }

    struct ReceivedItem {
        uint8 itemType;
        address token;
        uint256 identifier;
        uint256 amount;
        address payable recipient;
    }

    event Transfer(address indexed from, address indexed to, uint256 indexed tokenId);
    event OrderFulfilled(
        bytes32 orderHash,
        address indexed offerer,
        address indexed zone,
        address recipient,
        SpentItem[] offer,
        ReceivedItem[] consideration
    );

    // A wallet that collects OpenSea's fees.
    address payable private constant VENUE = payable(0x0000a26b00c1F0DF003000390027140000fAa719);
    address payable private constant ARTIST = payable(0xA11ce0000000000000000000000000000000a11c);
    address private constant COLLECTION = 0xc011EC7100000000000000000000000000000000;

    /// Moves tokens `start` to `start + n - 1`, each from a holder of its own to the next one.
    function transfers(uint256 start, uint256 n) external {
        for (uint256 id = start; id < start + n; id++) {
            emit Transfer(holder(id), holder(id + 1), id);
        }
    }

    /// Sells tokens `start` to `start + n - 1`: 2.5 % to the venue, 7.5 % to the artist, the rest
    /// to the seller, in native coin.
    function orders(uint256 start, uint256 n) external {
        SpentItem[] memory offer = new SpentItem[](1);
        ReceivedItem[] memory paid = new ReceivedItem[](3);
        for (uint256 id = start; id < start + n; id++) {
            address seller = holder(id);
            uint256 price = 1e18 + id * 1e15 + 7;
            uint256 fee = price * 25 / 1000;
            uint256 royalty = price * 75 / 1000;
            offer[0] = SpentItem(2, COLLECTION, id, 1);
            paid[0] = ReceivedItem(0, address(0), 0, price - fee - royalty, payable(seller));
            paid[1] = ReceivedItem(0, address(0), 0, fee, VENUE);
            paid[2] = ReceivedItem(0, address(0), 0, royalty, ARTIST);
            emit OrderFulfilled(keccak256(abi.encode(id)), seller, address(0), holder(id + 1), offer, paid);
        }
    }

    function holder(uint256 id) private pure returns (address) {
        return address(uint160(uint256(keccak256(abi.encode(id)))));
    }
}
