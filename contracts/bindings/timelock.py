"""Calls of `Timelock`: what governs is announced first, and done after a delay."""

from contracts.bindings.base import Binding

_NO_PREDECESSOR = bytes(32)


class Timelock(Binding):
    """The owner of what is governed: Registry, Studio and the bounds of Drops."""

    NAME = "Timelock"

    def schedule(
        self, target: str, data: bytes, *, salt: bytes = bytes(32), delay_s: int | None = None
    ) -> bytes:
        """Announces a call, as a proposer, and returns the operation's id.

        `data` is calldata (`contracts.calldata.encode_call`); the least delay unless told more.
        """
        wait_s = self.delay_s() if delay_s is None else delay_s
        self._send("schedule", target, 0, data, _NO_PREDECESSOR, salt, wait_s)
        return self.operation_id(target, data, salt=salt)

    def execute(self, target: str, data: bytes, *, salt: bytes = bytes(32)) -> None:
        """Makes an announced call whose delay is over; anybody may."""
        self._send("execute", target, 0, data, _NO_PREDECESSOR, salt)

    def cancel(self, operation_id: bytes) -> None:
        """Takes an announcement back, as a proposer."""
        self._send("cancel", operation_id)

    def operation_id(self, target: str, data: bytes, *, salt: bytes = bytes(32)) -> bytes:
        """Returns the id of an operation."""
        return bytes(self._read("hashOperation", target, 0, data, _NO_PREDECESSOR, salt))

    def is_ready(self, operation_id: bytes) -> bool:
        """Returns whether an operation can be executed now."""
        return bool(self._read("isOperationReady", operation_id))

    def is_done(self, operation_id: bytes) -> bool:
        """Returns whether an operation was executed."""
        return bool(self._read("isOperationDone", operation_id))

    def delay_s(self) -> int:
        """Returns the least delay in seconds."""
        return int(self._read("getMinDelay"))
