// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

/// @title Content identifiers of IPFS: version 1, raw bytes, SHA-256, in base 32.
library Cid {
    /// @dev "b" for base 32, then the words 01 (version), 55 (raw), 12 20 (SHA-256, 32 bytes) in it. Of the last
    /// word two bits are left, both 0: they stand before the digest's own 256 in the letters that follow.
    bytes32 private constant PREFIX = "bafkrei";
    bytes32 private constant LETTERS = "abcdefghijklmnopqrstuvwxyz234567";

    /// @notice The identifier of the bytes that have this SHA-256: 59 letters. About 3,500 gas.
    function ofSha256(bytes32 digest) internal pure returns (string memory cid) {
        (bytes32 prefix, bytes32 letters) = (PREFIX, LETTERS);
        assembly ("memory-safe") {
            cid := mload(0x40)
            mstore(0x40, add(cid, 0x60))
            mstore(cid, 59)
            mstore(add(cid, 0x20), prefix)
            // 3 bits of the digest, 50 times 5, and the last 3 with two zeros behind them: 52 letters.
            let letter := add(cid, 0x27)
            for { let shift := 253 } sgt(shift, 0) { shift := sub(shift, 5) } {
                mstore8(letter, byte(and(shr(shift, digest), 31), letters))
                letter := add(letter, 1)
            }
            mstore8(letter, byte(and(shl(2, digest), 31), letters))
        }
    }
}
