import http.server
import signal
import threading
import time

import pytest

from contracts.chain import free_port
from contracts.errors import RpcError
from contracts.rpc import Rpc, mask_url


class _Canned(http.server.BaseHTTPRequestHandler):
    status, body = 200, b""

    wait_s = 0.0

    def do_POST(self):
        time.sleep(self.wait_s)
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *args):
        pass


@pytest.fixture
def canned():
    """A server that gives one prepared answer to everything."""
    handler = type("Handler", (_Canned,), {})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()

    def answer(body, status=200, wait_s=0.0):
        handler.body, handler.status, handler.wait_s = body, status, wait_s
        return Rpc(f"http://127.0.0.1:{server.server_port}/v2/SECRET?key=SECRET")

    yield answer
    server.shutdown()
    server.server_close()


def test_result_comes_back(canned):
    rpc = canned(b'{"jsonrpc":"2.0","id":0,"result":"0x7a69"}')
    assert rpc.call("eth_chainId") == "0x7a69"


def test_batch_is_put_back_in_order(canned):
    rpc = canned(b'[{"id":1,"result":"b"},{"id":0,"result":"a"}]')
    assert rpc.batch([("first", []), ("second", [])]) == ["a", "b"]


def test_call_after_an_interrupted_one_gets_its_own_answer(canned):
    rpc = canned(b'{"id":0,"result":"late"}', wait_s=5)
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(KeyboardInterrupt):
            rpc.call("first")
    finally:
        signal.signal(signal.SIGALRM, before)
    canned(b'{"id":0,"result":"next"}')
    assert rpc.call("second") == "next"


def test_empty_batch_asks_nothing():
    assert Rpc(f"http://127.0.0.1:{free_port()}").batch([]) == []


def test_batch_with_a_missing_answer_names_the_call(canned):
    rpc = canned(b'[{"id":0,"result":"a"}]')
    with pytest.raises(RpcError, match="second"):
        rpc.batch([("first", []), ("second", [])])


def test_error_of_the_node_keeps_code_and_data(canned):
    rpc = canned(b'{"id":0,"error":{"code":3,"message":"execution reverted","data":"0xdead"}}')
    with pytest.raises(RpcError, match=r"eth_call failed .*execution reverted") as raised:
        rpc.call("eth_call", [{}])
    assert (raised.value.code, raised.value.data) == (3, "0xdead")


@pytest.mark.parametrize(
    ("status", "body"), [(404, b"<html>no</html>"), (200, b"<html>hello</html>"), (200, b"[1")]
)
def test_what_is_no_node_is_said_to_be_none(canned, status, body):
    with pytest.raises(RpcError) as raised:
        canned(body, status).call("eth_chainId")
    assert "SECRET" not in str(raised.value)


def test_unreachable_node_is_one_line_with_the_fix():
    with pytest.raises(RpcError, match=r"no node answers at .*raisonne chain up") as raised:
        Rpc(f"http://127.0.0.1:{free_port()}").call("eth_chainId")
    assert raised.value.exit_code == 4
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("url", ["ws://127.0.0.1:8545", "127.0.0.1:8545", "http://", ""])
def test_address_of_another_kind_is_refused(url):
    with pytest.raises(RpcError, match="http://HOST:PORT"):
        Rpc(url)


def test_masked_url_shows_where_but_not_the_key():
    masked = mask_url("https://user:pass@node.example:8545/v2/KEY?apikey=KEY")
    assert masked == "https://node.example:8545/…"
    assert mask_url("http://127.0.0.1:8545") == "http://127.0.0.1:8545"
