// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";

/// @title Owner of Registry and Studio, and governor of Drops: whatever it does was announced a delay before.
/// @notice OpenZeppelin's TimelockController as it is, in a file of its own so that it is compiled and committed.
/// @dev Deployed without an admin (`admin` zero) it administers itself: also its roles change with the delay only.
contract Timelock is TimelockController {
    constructor(uint256 minDelay, address[] memory proposers, address[] memory executors, address admin)
        TimelockController(minDelay, proposers, executors, admin)
    {}
}
