import pytest

from app.errors import Forbidden, InvalidInput
from app.resellers.roles import RIGHTS, Right, Role, allowed, refusal, require, role_of


def test_the_table_says_what_each_role_may_do() -> None:
    assert RIGHTS[Role.OWNER] == set(Right)
    for role in (Role.BUYER, Role.ACCOUNTS, Role.VIEWER):
        assert not RIGHTS[role] & {Right.CHANGE_USERS, Right.ACCEPT_POLICY, Right.CHANGE_LISTINGS}
    assert {role for role in Role if allowed(role, Right.ORDER)} == {Role.OWNER, Role.BUYER}
    for right in (Right.SEE_STATEMENTS, Right.SEE_INVOICES, Right.SEE_CERTIFICATES):
        assert {role for role in Role if allowed(role, right)} == {Role.OWNER, Role.ACCOUNTS, Role.VIEWER}
    for right in (Right.CHANGE_CERTIFICATES, Right.ADVISE_REMITTANCE):
        assert {role for role in Role if allowed(role, right)} == {Role.OWNER, Role.ACCOUNTS}
    for right in (Right.SEE_PRICES, Right.SEE_LICENSES):
        assert {role for role in Role if allowed(role, right)} == {Role.OWNER, Role.BUYER, Role.VIEWER}
    assert all(right.name.startswith("SEE_") for right in RIGHTS[Role.VIEWER]), "a viewer reads"


def test_a_refusal_names_the_role_and_who_may() -> None:
    assert refusal(Role.BUYER, Right.ORDER) is None
    reason = refusal(Role.VIEWER, Right.ORDER)
    assert str(reason) == "Your role is viewer; to order takes owner or buyer. Ask an owner of the reseller's account."
    require(Role.OWNER, Right.CHANGE_USERS)
    with pytest.raises(Forbidden, match="to change users takes owner") as refused:
        require(Role.ACCOUNTS, Right.CHANGE_USERS)
    assert refused.value.code == "role"


def test_a_role_is_read_in_any_case_and_a_wrong_one_is_named() -> None:
    assert role_of(" Buyer ") is Role.BUYER
    with pytest.raises(InvalidInput, match="'boss' is not one of owner, buyer, accounts, viewer"):
        role_of("boss")
