// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @dev An honest token; everybody may mint.
contract PlainToken is ERC20("Plain", "PLN") {
    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }
}

/// @dev Keeps a tenth of every transfer, or all of it.
contract FeeToken is PlainToken {
    uint256 public keptPercent = 10;

    function keep(uint256 percent) external {
        keptPercent = percent;
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (from == address(0) || to == address(0)) return super._update(from, to, amount);
        uint256 kept = (amount * keptPercent) / 100;
        super._update(from, address(0xFEED), kept);
        super._update(from, to, amount - kept);
    }
}

/// @dev Answers false instead of reverting, and moves nothing.
contract FalseToken is PlainToken {
    function transfer(address, uint256) public pure override returns (bool) {
        return false;
    }

    function transferFrom(address, address, uint256) public pure override returns (bool) {
        return false;
    }
}

/// @dev Answers nothing at all, as the oldest stablecoin does, and refuses blocked receivers, as the second does.
contract SilentToken {
    mapping(address account => uint256) public balanceOf;
    mapping(address account => bool) public blocked;

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function blockAccount(address account) external {
        blocked[account] = true;
    }

    function transfer(address to, uint256 amount) external {
        _move(msg.sender, to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) external {
        _move(from, to, amount);
    }

    function _move(address from, address to, uint256 amount) private {
        require(!blocked[to], "blocked");
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
    }
}

/// @dev Claims any balance it likes, and that every transfer worked.
contract LyingToken {
    uint256 public claimed;
    uint256 public step;

    function claim(uint256 balance, uint256 step_) external {
        (claimed, step) = (balance, step_);
    }

    function balanceOf(address) external view returns (uint256) {
        return claimed;
    }

    function transfer(address, uint256) external pure returns (bool) {
        return true;
    }

    function transferFrom(address, address, uint256) external returns (bool) {
        claimed += step;
        return true;
    }
}

/// @dev Calls out before and after every transfer, as ERC-777 does, with a call that the attacker chose.
contract HookToken is PlainToken {
    address public target;
    bytes public attack;
    uint256 public tries;
    uint256 public successes;

    function arm(address target_, bytes calldata attack_) external {
        (target, attack) = (target_, attack_);
    }

    function _update(address from, address to, uint256 amount) internal override {
        _hook();
        super._update(from, to, amount);
        _hook();
    }

    function _hook() private {
        if (target == address(0)) return;
        ++tries;
        (bool done,) = target.call(attack);
        if (done) ++successes;
    }
}

/// @dev Takes from holders at will, as a rebasing token does when its pool loses.
contract RebasingToken is PlainToken {
    function shrink(address holder, uint256 amount) external {
        _burn(holder, amount);
    }
}
