from app.csv_lines import records


def test_the_header_chooses_the_separator_and_blank_lines_do_not_count() -> None:
    wrong: list[str] = []
    found = list(records(["\ufeffa;b\n", "\n", '1;"x,\n', 'y"\n', " ; \n", "2;3\n"], wrong))
    assert found == [(1, ["a", "b"]), (3, ["1", "x,\ny"]), (6, ["2", "3"])]
    assert wrong == []
    assert list(records(["a,b\n", "1;2,3\n"], wrong)) == [(1, ["a", "b"]), (2, ["1;2", "3"])]
    assert list(records([], wrong)) == []


def test_what_is_no_csv_is_named_and_the_rest_is_read() -> None:
    wrong: list[str] = []
    found = list(records(["a,b\n", '"x"y,1\n', "2,3\n"], wrong))
    assert [number for number, _ in found] == [1, 3]
    assert len(wrong) == 1
    assert wrong[0].startswith("line 2: it is not CSV: ")
