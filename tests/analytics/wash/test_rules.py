"""Each rule beside what it must not flag; Dune's holes are kept, since parity is the point."""

import polars as pl
import pytest

from analytics.wash.back_and_forth import flag_back_and_forth
from analytics.wash.bought_or_sold import BLEND_LENDING, flag_bought_or_sold
from analytics.wash.flashloan import flag_flashloans
from analytics.wash.funding import flag_common_funder
from analytics.wash.self_trade import flag_self_trades
from tests.analytics.frames import trades


def go(buyer, seller, **changes):
    return {"buyer": buyer, "seller": seller, **changes}


def funding(**funders):
    return pl.DataFrame(
        {"address": list(funders), "first_funded_by": list(funders.values())},
        schema={"address": pl.String, "first_funded_by": pl.String},
    )


def labels(**kinds):
    return pl.DataFrame({"address": list(kinds), "label": list(kinds.values())})


class TestSelfTrade:
    def test_a_sale_to_oneself_is_flagged(self):
        assert flag_self_trades(trades(go("x", "x"))).to_list() == [True]

    def test_a_sale_to_another_is_not(self):
        assert flag_self_trades(trades(go("x", "y"))).to_list() == [False]

    def test_an_unknown_party_is_not_evaluated(self):
        assert flag_self_trades(trades(go("x", "x"), go(None, "y"))).to_list() == [True, None]


class TestBackAndForth:
    def test_both_ways_of_one_token_are_flagged_whatever_came_first(self):
        assert flag_back_and_forth(trades(go("x", "y"), go("y", "x"))).to_list() == [True, True]

    def test_a_genuine_buy_back_months_later_is_flagged_too(self):
        slow = trades(go("x", "y"), *[go("p", "q", token_id="9")] * 99, go("y", "x"))
        flags = flag_back_and_forth(slow).to_list()
        assert (flags[0], flags[50], flags[-1]) == (True, False, True)

    def test_a_self_trade_counts_against_itself(self):
        assert flag_back_and_forth(trades(go("x", "x"))).to_list() == [True]

    def test_different_tokens_of_one_collection_stay_invisible(self):
        swap = trades(go("x", "y", token_id="1"), go("y", "x", token_id="2"))
        assert flag_back_and_forth(swap).to_list() == [False, False]

    def test_the_same_number_in_another_collection_is_another_token(self):
        swap = trades(go("x", "y"), go("y", "x", collection="0xd0"))
        assert flag_back_and_forth(swap).to_list() == [False, False]

    def test_the_standard_and_the_chain_of_the_other_trade_do_not_matter(self):
        mixed = trades(
            go("x", "y", token_standard="erc1155"), go("y", "x", chain_id=10, token_standard=None)
        )
        assert flag_back_and_forth(mixed).to_list() == [True, True]

    def test_a_ring_of_three_stays_invisible(self):
        ring = trades(go("b", "a"), go("c", "b"), go("a", "c"))
        assert flag_back_and_forth(ring).to_list() == [False] * 3


class TestBoughtOrSold:
    def test_a_third_purchase_flags_all_three(self):
        three = trades(go("x", "p"), go("x", "q"), go("x", "r"))
        assert flag_bought_or_sold(three).to_list() == [True] * 3

    def test_two_purchases_are_not_enough(self):
        two = trades(go("x", "p"), go("x", "q"), go("z", "r"))
        assert flag_bought_or_sold(two).to_list() == [False] * 3

    def test_a_third_sale_flags_all_three(self):
        three = trades(go("p", "x"), go("q", "x"), go("r", "x"))
        assert flag_bought_or_sold(three).to_list() == [True] * 3

    def test_erc1155_is_never_counted_but_may_be_flagged_by_others(self):
        editions = trades(*[go("x", f"p{i}", token_standard="erc1155") for i in range(5)])
        assert flag_bought_or_sold(editions).to_list() == [False] * 5
        mixed = trades(
            *[go("x", f"p{i}") for i in range(3)], go("x", "q", token_standard="erc1155")
        )
        assert flag_bought_or_sold(mixed).to_list() == [True] * 4

    def test_purchases_of_the_blend_contract_are_loans(self):
        loans = trades(*[go(BLEND_LENDING, f"p{i}") for i in range(4)])
        assert flag_bought_or_sold(loans).to_list() == [False] * 4

    def test_sales_by_the_blend_contract_are_not_exempt(self):
        loans = trades(*[go(f"p{i}", BLEND_LENDING) for i in range(3)])
        assert flag_bought_or_sold(loans).to_list() == [True] * 3

    def test_buying_from_blend_exempts_that_purchase_alone(self):
        mixed = trades(go("x", "p"), go("x", "q"), go("x", BLEND_LENDING))
        assert flag_bought_or_sold(mixed).to_list() == [True, True, False]

    @pytest.mark.parametrize(
        ("chain", "standard", "flag"),
        [("bnb", "bep721", True), (56, "bep20", True), (1, "bep721", False), (56, "erc721", False)],
    )
    def test_bnb_has_its_own_standards(self, chain, standard, flag):
        three = trades(
            *[go("x", f"p{i}", token_standard=standard) for i in range(3)], chain_id=chain
        )
        assert flag_bought_or_sold(three).to_list() == [flag] * 3

    def test_another_chain_is_another_token(self):
        split = trades(go("x", "p"), go("x", "q"), go("x", "r", chain_id=10))
        assert flag_bought_or_sold(split).to_list() == [False] * 3

    def test_a_pool_is_flagged_falsely(self):
        pool = trades(
            go("pool", "a"), go("b", "pool"), go("pool", "c"), go("d", "pool"), go("pool", "e")
        )
        assert flag_bought_or_sold(pool).to_list() == [True, False, True, False, True]


class TestCommonFunder:
    def test_one_funder_of_both_is_flagged(self):
        flags = flag_common_funder(trades(go("x", "y")), funding(x="f", y="f"))
        assert flags.to_list() == [True]

    def test_two_funders_are_not(self):
        flags = flag_common_funder(trades(go("x", "y")), funding(x="f", y="g"))
        assert flags.to_list() == [False]

    @pytest.mark.parametrize("funders", [{"x": "y", "y": "g"}, {"x": "g", "y": "x"}])
    def test_one_party_funding_the_other_is_flagged(self, funders):
        assert flag_common_funder(trades(go("x", "y")), funding(**funders)).to_list() == [True]

    @pytest.mark.parametrize("kind", ["cex", "bridge", "tornado_cash"])
    def test_a_shared_service_says_nothing(self, kind):
        flags = flag_common_funder(trades(go("x", "y")), funding(x="f", y="f"), labels(f=kind))
        assert flags.to_list() == [False]

    def test_other_labels_do_not_excuse(self):
        flags = flag_common_funder(trades(go("x", "y")), funding(x="f", y="f"), labels(f="artist"))
        assert flags.to_list() == [True]

    def test_seller_funding_buyer_is_missed_where_an_exchange_funded_the_seller(self):
        flags = flag_common_funder(
            trades(go("x", "y")), funding(x="y", y="exchange"), labels(exchange="cex")
        )
        assert flags.to_list() == [False]

    def test_a_funder_of_one_side_alone_is_not_enough(self):
        assert flag_common_funder(trades(go("x", "y")), funding(x="y")).to_list() == [False]

    def test_one_hop_between_defeats_the_rule(self):
        hops = funding(x="m", m="y", y="f")
        assert flag_common_funder(trades(go("x", "y")), hops).to_list() == [False]

    def test_two_users_of_an_unlabelled_faucet_are_flagged_falsely(self):
        flags = flag_common_funder(trades(go("x", "y")), funding(x="faucet", y="faucet"))
        assert flags.to_list() == [True]

    def test_funding_on_another_chain_does_not_count(self):
        other = funding(x="f", y="f").with_columns(chain_id=pl.lit(10))
        assert flag_common_funder(trades(go("x", "y")), other).to_list() == [False]

    def test_the_earliest_of_several_funders_counts(self):
        rows = pl.DataFrame(
            {
                "address": ["x", "x", "y"],
                "first_funded_by": ["late", "f", "f"],
                "block_number": [9, 2, 5],
            }
        )
        assert flag_common_funder(trades(go("x", "y")), rows).to_list() == [True]


class TestFlashloan:
    LOANS = pl.DataFrame({"block_number": [1], "tx_hash": ["0x1"]})

    def test_a_trade_in_the_transaction_of_a_loan_is_flagged(self):
        assert flag_flashloans(trades({}, {}), self.LOANS).to_list() == [False, True]

    def test_the_hash_at_another_height_is_another_transaction(self):
        moved = trades({}, {"block_number": 7})
        assert flag_flashloans(moved, self.LOANS).to_list() == [False, False]

    def test_a_loan_on_another_chain_does_not_count(self):
        elsewhere = self.LOANS.with_columns(chain_id=pl.lit(10))
        assert flag_flashloans(trades({}, {}), elsewhere).to_list() == [False, False]
