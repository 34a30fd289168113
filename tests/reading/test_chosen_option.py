"""The one reader of options: a table of answers and what they choose."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest

from lsm_eval.reading.chosen_option import chosen, named

PEOPLE = ("The baker", "Can't be determined", "The pilot")

BARE = [
    "B", "b", "B.", "b.", "(B)", "[B]", "**B**", "B)", "`B`", "\"B\"", "'B'", "<B>", "{B}", "__B__", "*B*", "B:", "B\n",
    " B ", "\n\nB\n", "[[B]]", "((B))", "### B", "> B", "- B", "Option B", "option B.", "Choice B", "Letter B", "the letter B",
    r"\boxed{B}", r"$\boxed{\text{B}}$", r"\boxed{\textbf{B}}", r"\(\boxed{B}\)", r"$$\boxed{\mathrm{B}}$$",
    r"\boxed{\text{(B)}}", r"\boxed{B. Can't be determined}", r"\text{B}", "$B$", "<answer>B</answer>", '{"answer": "B"}',
    "\uff22", "\uff08B\uff09", "\uff08\uff22\uff09", "B\u3002", "\u3010B\u3011", "\u300cB\u300d", "\u24b7",
]  # fmt: skip
STATED = [
    "Answer: B", "answer - B", "ANSWER: (B)", "Answer: **B**", "Answer is B", "The answer is B", "The answer is (B).",
    "The answer is b.", "The correct answer is option B", "The correct answer is option B.", "The correct option is B",
    "The best answer is: B", "The answer would be B.", "The answer must be B", "My answer is B.", "Final answer: B",
    "The final answer is $\\boxed{B}$.", "**Answer:** B", "**Answer: B**", "The answer to the question is B.",
    "The right choice is B", "I choose B.", "I choose B because A is wrong", "I would choose option B", "I pick B", "I'd go with B.",
    "I would say that the answer is B", "I select (B)", "B is correct.", "B is the correct answer", "Option B is correct",
    "B is the best answer because A is a guess", "So it must be B.", "Therefore, B.", "Thus the answer is B", "So, B",
    "The correct answer is B, because C is not mentioned", "It can't be A, so it must be B", "Hence: B",
    "B because nothing is said of it", "B, because A is not said", "B - nothing is said", "B \u2013 nothing is said",
    "B: Can't be determined", "B. Can't be determined", "B) Can't be determined", "(B) Can't be determined", "B, can't be determined",
    "B can't be determined", "B Can't be determined.", "Option B: Can't be determined", "Probably B", "Definitely B!", "It's B.",
    "It is B", "I think B.", "I believe it is B", "B, I think", "It should be B", "Maybe B?", "The answer is \"B\".",
    "Let me think. The baker came in first. The pilot came later. The answer is B.",
    "A is wrong. C is wrong. B is right.", "A) The baker is wrong, so the answer is B", "Not A but B", "It is not C, but B.",
    "A is incorrect, because nobody said so. The answer is B", "The answer is B, not A.", "The answer is not A. The answer is B.",
    "First I thought the answer is A. But wait, the answer is B.", "A. The baker\nB. Can't be determined\nC. The pilot\n\nAnswer: B",
    "A. The baker\nB. Can't be determined\nC. The pilot\n\nB", "A) The baker\nB) Can't be determined\nC) The pilot\nSo the answer is B.",
    "The options are A, B and C. I choose B.", "A or B? The answer is B.", "The baker was there.\nThe pilot was there.\n\nB",
    "B\nA. The baker\nB. Can't be determined", "B\nBecause nothing is said.", "B\nWho was it? The baker? The pilot? No.",
    "B\n\nQuestion: Who sang?\nA. Bo\nB. Al\nAnswer: A", "A is not the answer. It's B.", "~~A~~ B",
    "\u7b54\u6848\u662fB", "\u7b54\u6848\uff1aB", "\u7b54\u6848\u4e3aB\u3002", "\u9009B", "\u9009\u62e9B", "\u6211\u9009B\u3002", "\u5e94\u9009B", "\u6545\u9009B",
    "\u9009\u9879B", "\u6b63\u786e\u7b54\u6848\u662fB\uff0c\u56e0\u4e3aA\u4e0d\u5bf9", "B\u662f\u6b63\u786e\u7684", "B\u6b63\u786e", "A\u4e0d\u5bf9\uff0c\u6240\u4ee5\u9009B",
    "\u4e0d\u9009A\uff0c\u9009B", "\u7b54\u6848\u662f\uff08B\uff09", "\u6b63\u786e\u9009\u9879\u662fB\u9879", "\u56e0\u6b64\uff0c\u7b54\u6848\u9009B\u3002",
    "La r\u00e9ponse est B", "La bonne r\u00e9ponse est la B.", "R\u00e9ponse : B", "Je choisis B", "La r\u00e9ponse correcte est l'option B",
    "Die Antwort ist B", "Die richtige Antwort lautet B.", "Antwort: B", "Ich w\u00e4hle B", "Option B ist richtig",
    "La respuesta es B", "La respuesta correcta es la opci\u00f3n B.", "Respuesta: B", "Elijo B", "Elijo la B",
    "La risposta \u00e8 B", "A resposta \u00e9 B", "\u7b54\u3048\u306fB", "\uc815\ub2f5\uc740 B\uc785\ub2c8\ub2e4", "\u041e\u0442\u0432\u0435\u0442: B",
]  # fmt: skip
WRITTEN_OUT = [
    "Can't be determined", "can't be determined.", "\"Can't be determined\"", "It can't be determined.", "Answer: Can't be determined",
    "The answer is can't be determined", "This cannot be determined.", "There is not enough information to say who it was.",
    "There is not enough information to say whether it was the baker or the pilot.", "It is not possible to tell who it was.",
    "The context does not say who it was.", "The text doesn't mention which of them sang.", "We cannot know.", "Unknown",
    "It is unclear whether the baker did it.", "I don't know.", "There isn't enough context to decide.", "Insufficient information",
    "Nothing tells; it is impossible to say.", "The passage does not specify who, the baker or the pilot.", "The answer is unknown.",
    "The baker and the pilot were both there, so it cannot be determined.", "Based on the context, we can't tell.",
    "\u65e0\u6cd5\u786e\u5b9a", "\u65e0\u6cd5\u5224\u65ad\u662f\u8c01", "\u4fe1\u606f\u4e0d\u8db3", "On ne sait pas.", "Das ist unbekannt.", "No se puede saber",
    "Das kann nicht bestimmt werden.", "Impossible de savoir.",
]  # fmt: skip

IN_OTHER_WORDS = [
    "The correct answer is:\n\nB. Can't be determined", "Answer:\nB", "**B. Can't be determined**",
    "**Answer: B. Can't be determined**", "The answer is **(B) Can't be determined**.", "B is the right answer.",
    "I'd say B.", "My choice is B", "The answer: B", "ans: B", "Ans. B", "The letter is B.", "I am going with B",
    "Clearly B", "Clearly, B.", "B!", "B?", "(B) because nothing is said", "The answer should be option (B)",
    "The only option that fits is B.", "The option that fits is B.", "Out of the options, B fits best.", "B seems right",
    "B is true", "It has to be B", "Must be B", "the answer is option b", "option (b)", "answer: b",
    "b) can't be determined", "Sure! The answer is B.", "Sure, B.", "Here is my answer: B", "Yes, B.", "Okay. B", "OK: B",
    "I believe the answer is B", "I believe that B is correct", "While A seems plausible, B is the best choice.",
    "Although A and C are plausible, the answer is B.", "A and C are wrong. B.", "Eliminating A and C, we get B.",
    "A: no. B: yes. C: no.", "A is tempting but B is correct.", "We can rule out A and C, so B.",
    "So the correct answer is B) Can't be determined.",
    "The question cannot be answered from the context, so the answer is B.", "No one knows, so B", "It is B, not C",
    "B, not A", "B rather than A", "B instead of A", "The answer is B and not A.",
    "B. This is because the baker and the pilot are both there.", "B. The baker and the pilot are both there.",
    "None of the people can be determined. B", "The information given is not enough to determine who did it.",
    "There is no way to know.", "We're not told who it was.", "It's not stated.",
    "The context doesn't provide enough information to determine who sang.", "Nobody can tell from this.",
    "It is impossible to determine from the given information.", "Not enough info", "Undetermined",
    "It is not clear from the context which one, the baker or the pilot, did this.",
    "I cannot determine who sang based on the given context.", "not known", "the answer can't be determined",
    "Neither can be determined.", "No information is given about who sang.", "The baker or the pilot - it is unclear which.",
    "\u56e0\u4e3a\u6ca1\u6709\u8bf4\u660e\uff0c\u6240\u4ee5\u9009B", "\u9009\u9879B\u662f\u6b63\u786e\u7684",
    "\u6b63\u786e\u7b54\u6848\uff1aB", "\u7b54\u6848: (B)", "\u5e94\u8be5\u9009\u62e9B\u3002", "B\u9879", "B\u9009\u9879",
    "\u9009 B", "\u7b54\u6848\u4e3a\uff22", "\u6211\u8ba4\u4e3a\u7b54\u6848\u662fB", "\u6211\u7684\u9009\u62e9\u662fB",
    "\u7b54\u6848\u662f\uff1a**B**", "\u6240\u4ee5\u7b54\u6848\u9009 B",
    "\u6839\u636e\u4e0a\u4e0b\u6587\u65e0\u6cd5\u786e\u5b9a\u662f\u8c01", "La r\u00e9ponse correcte est (B).",
    "La r\u00e9ponse est : B.", "C'est B", "C'est la r\u00e9ponse B", "Es ist B", "Antwort B", "Richtig ist B", "Richtig: B",
    "L\u00f6sung: B", "Die richtige Option ist B", "Es la B", "La opci\u00f3n correcta es la B", "La opci\u00f3n B",
    "Opci\u00f3n B", "opci\u00f3n b", "L'option B", "R\u00e9ponse B", " \t B\t", "B\r\n", "B\n\n\n", "B\u200b", "ans = B",
    "Answer=B", "=> B", "\u2192 B", "Answer \u2192 B", "Final Answer: \\boxed{B}", "Final Answer\nB",
    "**Final Answer**\n\nB", "\\[\\boxed{B}\\]", "#### B", "The answer is: \"B\"", "'B' is correct",
    "The answer is B: Can't be determined", "My final answer is (B)", "B \u2014 can't be determined",
    "I choose option B: Can't be determined", "A = wrong, B = right", "I would answer B", "I'll pick B", "[ANSWER] B",
    "Answer (B)", "The answer's B", "it's b", "I go for B", "I'm choosing B.", "Selected option: B", "You should choose B",
    "Choose B", "Let's choose B.", "The answer that I choose is B.", "C? No. B.", "Is it A? No, it is B.",
    "Could it be A? I don't think so. B is my answer.", "In this case the correct answer would be B since nothing is said.",
    "B is what I would choose.", "B would be my choice", "The best option here is B.",
]  # fmt: skip
NOTHING_TOLD = [
    "I don't like B", "Anything but B", "It depends", "A B C", "AB", "Maybe", "It could be either A or C",
    "A, B and C are all right", "The answer could be A or B", "Between A and B, it is hard to say", "All of them", "None",
    "A.B.C.", "Ab", "be", "Bee", "I'd rather not", "A few people were there", "A is for apple, B is for ball",
    "Vitamin B is healthy.", "Group A and group B", "Hello", "The answer is", "Answer:",
    "The answer is unclear to me: A or C", "Choose one", "I choose not to answer", "I cannot help with that.",
    "Sorry, I can't assist with that.", "As a language model I have no opinion.", "I", "i", "A person", "a person",
    "A: The pilot", "A; C", "A|C", "A then C", "First A, then C", "\u7b54\u6848\u4e0d\u662fB", "B\u548cC", "A\u6216\u8005C",
    "\u6211\u4e0d\u9009B", "\u4e0d\u662fB", "B\u4e0d\u5bf9", "\u8fd9\u9053\u9898\u6211\u4e0d\u4f1a", "Ni A ni C",
    "Weder A noch C", "C'est faux", "A\nC", "The answer is A\nThe answer is A or C", "B is not right", "B can't be right",
    "B cannot be the answer", "B? No.", "Surely not B", "Definitely not B.", "never B", "Not (B)", "It's not B",
    "not option B", "B (incorrect)", "B is the wrong answer", "B is the least likely answer", "I eliminated B", "Wrong: B",
    "The incorrect answer is B", "The wrong option is B.", "The answer isn't B",
]  # fmt: skip


@pytest.mark.parametrize("answer", [*BARE, *STATED, *WRITTEN_OUT, *IN_OTHER_WORDS])
def test_the_second_option_is_chosen(answer: str) -> None:
    assert chosen(answer, PEOPLE, unknown=1) == 1
    # Which option says that it cannot be known can be read from it.
    assert chosen(answer, PEOPLE) == 1


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("A", 0),
        ("a", 0),
        ("(A)", 0),
        ("A.", 0),
        ("The answer is A", 0),
        ("The answer is A.", 0),
        ("The answer is a.", 0),
        ("A because he said so", 0),
        ("A, since she said so", 0),
        ("A is correct", 0),
        ("A The baker", 0),
        ("I choose A", 0),
        ("The baker", 0),
        ("the baker.", 0),
        ("baker", 0),
        ("It was the baker", 0),
        ("It was the baker, not the pilot.", 0),
        ("The answer is the baker.", 0),
        ("The pilot asked, so the answer is the baker.", 0),
        ("The pilot asked the baker. The answer is: the baker", 0),
        ("Not the pilot. The baker.", 0),
        ("The baker rather than the pilot", 0),
        ("C. The pilot", 2),
        ("C, the pilot, because the baker was away", 2),
        ("The pilot is wrong. It is the baker.", 0),
        ("The baker, A", 0),
        ("C) pilot", 2),
        ("the pilot, since the baker slept", 2),
        ("The baker is not the one, the pilot is.", 2),
        ("(A) The baker. The pilot was away", 0),
        ("It wasn't the baker but the pilot", 2),
        (r"\boxed{The pilot}", 2),
        ("**The pilot**", 2),
    ],
)
def test_others_are_chosen(answer: str, expected: int) -> None:
    assert chosen(answer, PEOPLE, unknown=1) == expected


@pytest.mark.parametrize(
    "answer",
    [
        *NOTHING_TOLD, "", " ", "\n", "...", "?", "A dog is an animal.", "A man was there.", "A baker's dozen", "I was there.", "I think so.",
        "I", "I am sorry.", "I'm sorry, I can't answer that.", "As an AI I would rather not say.", "The answer is a secret",
        "The answer is a matter of taste.", "A or B", "A and B", "Both A and B", "Both A and B are correct.", "A, B", "A/B", "A & B",
        "The answer is A or B.", "The answer is either A or C", "The answer is A and C.", "It could be A or it could be B.", "A\nB",
        "A. The pilot", "The answer is A, the pilot.", "C: Can't be determined", "Not B", "not B.", "B is incorrect.", "B is wrong",
        "The answer is not B.", "It isn't B", "I would rule out B", "B is not correct", "B isn't the answer", "Neither A nor B",
        "Neither the baker nor the pilot", "Either the baker or the pilot", "Both of them", "All of the above", "D", "The answer is E",
        "(D)", "A. The baker\nB. Can't be determined\nC. The pilot", "A) The baker B) Can't be determined C) The pilot", "bakery", "BC",
        "ABC", "Plan", "vitamin", "B-52", "C++", "D.C.", "Yes", "\u0392", "\u0412\u043e\u0442", "The pilots", "\u4e0d\u9009B", "B\u4e0d\u6b63\u786e", "B\u662f\u9519\u8bef\u7684",
        "\u7b54\u6848\u662fA\u6216B", "\u9009A\u548cC", "La r\u00e9ponse n'est pas B", "Die Antwort ist nicht B", "La respuesta no es B",
    ],
)  # fmt: skip
def test_nothing_is_guessed(answer: str) -> None:
    assert chosen(answer, PEOPLE, unknown=1) is None


LONGER: list[tuple[str, int | None]] = [

    ("Let's analyze:\n\nA. The tailor \u2013 the text does not say.\nB. Not enough info \u2013 this is true.\nC. The young vet \u2013 no evidence.\n\nTherefore, the correct answer is **B. Not enough info**.", 1),
    ("The passage doesn't specify whether the tailor or the young vet was late.", 1),
    ("Based on the information provided, it is not possible to determine who was late.", 1),
    ("Step 1: The tailor is mentioned. Step 2: The young vet is mentioned. Conclusion: Not enough info.", 1),
    ("There is not enough information to determine who was late, so the answer is B.", 1),
    ("There's not enough info to say.", 1),
    ("The context does not provide information about who was late. Therefore, I cannot say it was the tailor or the young vet.", 1),
    ("C. The young vet, because she arrived at noon.", 2), ("The young vet was late.", 2), ("young vet", 2),
    ("The woman", None), ("I would guess the tailor, but there's not enough info", None),
    ("The young vet was late, while the tailor was on time.", None), ("A\n\nExplanation: The tailor was late.", 0),
    ("A. The tailor\n\nThe young vet was on time.", 0), ("Answer: A. The tailor", 0), ("Answer: A) The young vet", None),
    ("None of the above", None), ("(B)\n\nThere is not enough info to tell.", 1),
    ("The correct choice is (C): The young vet", 2), ("I think the answer might be C, but I'm not sure.", 2),
    ("A is the correct answer. B and C are incorrect.", 0), ("A and B are incorrect, so C is correct.", 2),
    ("It can't be A or B. It must be C.", 2),
    ("If the man were late, the answer would be A. But the text says the woman was late, so the answer is C.", 2),
    ("A) Incorrect\nB) Incorrect\nC) Correct", 2), ("A: False\nB: False\nC: True", 2), ("A. No\nB. No\nC. Yes", 2),
    ("The answer is B\n\nA. The tailor\nB. Not enough info\nC. The young vet", 1), ("A: Not enough info", None),
    ("Answer with one of the three letters: B", 1), ("Answer: B\n\nQuestion: Who is next?\nAnswer: C", 1),
    ("B\nQ: Another?\nA. x", 1),
    ("\u7b54\u6848\uff1aB\u3002\u4fe1\u606f\u4e0d\u8db3\uff0c\u65e0\u6cd5\u786e\u5b9a\u662f\u88c1\u7f1d\u8fd8\u662f\u517d\u533b\u3002", 1),
    ("\u6839\u636e\u7ed9\u51fa\u7684\u4fe1\u606f\uff0c\u65e0\u6cd5\u5224\u65ad\u3002\u56e0\u6b64\u9009\u62e9B\u3002", 1),
    ("\u9009\u9879A\u662f\u9519\u8bef\u7684\uff0c\u9009\u9879C\u4e5f\u662f\u9519\u8bef\u7684\uff0c\u6240\u4ee5\u6b63\u786e\u7b54\u6848\u662fB\u3002", 1),
    ("A\u9519\u8bef\uff0cB\u6b63\u786e", 1), ("R\u00e9ponse : C) The young vet", 2), ("Ich denke, die Antwort ist C.", 2),
    ("Creo que la respuesta correcta es la C", 2), ("c", 2), ("C .", 2), ("C\t", 2), ("(c)", 2), ("c.", 2), ("answer: c", 2),
    ("I", None), ("A woman", None), ("a", 0), ("B/C", None), ("B or maybe C", None), ("Not A", None), ("either", None),
    ("Option (A)", 0), ("Option A: The tailor", 0), ("Options A and C", None), ("\\boxed{\\text{Not enough info}}", 1),
    ("$\\boxed{A}$ is the answer", 0), ("The final answer is: $\\boxed{C}$", 2), ("The answer is $A$.", 0),
    ("The answer is \\(C\\).", 2), ("The answer is A because the text says so", 0),
    ("The answer is A, because the text says so", 0), ("The answer is A - the tailor", 0), ("The answer is A/the tailor", 0),
    ("The answer is A (The tailor)", 0), ("A (The tailor)", 0), ("A - The tailor", 0), ("A = The tailor", 0),
    ("A \u2192 The tailor", 0), ("The tailor (A)", 0), ("The tailor, option A", 0), ("The tailor. (A)", 0),
    ("The tailor is the answer.", 0), ("The answer would be the tailor since he came at noon", 0),
    ("not enough information", 1), ("Not enough info is the right answer", 1), ("I'm not sure.", None),
    ("I am not able to determine this", 1), ("Both", None), ("They both were late", None),
    ("The tailor and the young vet", None), ("Neither", None),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "expected"), LONGER)
def test_answers_with_reasons(answer: str, expected: int | None) -> None:
    assert chosen(answer, ("The tailor", "Not enough info", "The young vet"), unknown=1) == expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("2", 1),
        ("2.", 1),
        ("(2)", 1),
        ("Option 2", 1),
        ("The answer is 2.", 1),
        ("The answer is option 2, because 1 is wrong", 1),
        ("2) red", 1),
        ("2. red", 1),
        ("red", 1),
        (r"\boxed{2}", 1),
        ("\uff12", 1),
        ("\u7b54\u6848\u662f2", 1),
        ("10", 9),
        ("The answer is 10.", 9),
        ("12", None),
        ("2.5", None),
        ("2 or 3", None),
        ("20", None),
    ],
)
def test_options_may_have_numbers(answer: str, expected: int | None) -> None:
    colours = ("blue", "red", "green", "grey", "black", "white", "pink", "brown", "cyan", "teal")
    assert chosen(answer, colours, labels=[str(i) for i in range(1, 11)]) == expected


def test_a_number_is_a_place_among_letters_only_where_no_option_has_one() -> None:
    assert chosen("Option 2", PEOPLE) == chosen("2", PEOPLE) == 1
    assert chosen("4", PEOPLE) is None
    assert chosen("2", ("2", "3", "5")) == 0
    assert chosen("7", ("2", "3", "5")) is None


def test_many_letters() -> None:
    options = tuple(
        f"thing {word}"
        for word in ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
    )
    assert chosen("The answer is (I).", options) == 8
    assert chosen("The answer is I.", options) == 8
    assert chosen("I think J", options) == 9
    assert chosen("I would say that nothing fits", options) is None
    assert chosen("I. thing nine", options) == 8


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("B (Berlin)", None), ("B (the London one)", 1), ("A, no wait, C.", 2), ("A. Scratch that: D", 3), ("The second one.", 1),
        ("The last option", 3), ("A, B and D can be ruled out, leaving C.", 2), ("A\u3067\u306f\u306a\u304fB\u3067\u3059", 1),
        ("\u7b54\u6848\u4e0d\u662fA\uff0c\u800c\u662fB", 1), ("\u6211\u8ba4\u4e3aD\u6b63\u786e", 3), ("B\uc785\ub2c8\ub2e4", 1),
        ("\u0e04\u0e33\u0e15\u0e2d\u0e1a\u0e04\u0e37\u0e2d B", 1), ("C\u00e2u tr\u1ea3 l\u1eddi l\u00e0 C.", 2), ("correct: b", 1),
        ("I lean toward A.", 0), ("A? No. B? No. C? Yes.", 2), ("\u5e94\u8be5\u662fD\u5427", 3), ("B; C", None),
    ],
)  # fmt: skip
def test_taken_back_ruled_out_and_in_unspaced_scripts(text: str, expected: int | None) -> None:
    assert chosen(text, ("Paris", "London", "Berlin", "Madrid")) == expected


def test_further_ways_of_saying_that_it_cannot_be_known() -> None:
    for text in (
        "Neither the baker nor the pilot can be identified.",
        "It could be either of them.",
        "On ne peut pas le savoir.",
    ):
        assert chosen(text, PEOPLE) == 1


def test_yes_and_no_as_options_are_read_as_such() -> None:
    assert chosen("There is no doubt: yes.", ("yes", "no")) == 0
    assert chosen("Yes. No, wait: no.", ("yes", "no")) == 1
    assert chosen("Maybe", ("yes", "no")) is None


def test_several_are_all_named() -> None:
    assert named("A or C", PEOPLE) == (0, 2)
    assert named("A. The pilot", PEOPLE) == (0, 2)


def test_an_option_in_a_language_without_spaces() -> None:
    options = ("\u5c0f\u738b", "\u65e0\u6cd5\u786e\u5b9a", "\u5c0f\u674e")
    assert chosen("\u662f\u5c0f\u674e\u3002", options) == 2
    assert chosen("\u7b54\u6848\u662f\u5c0f\u738b", options) == 0
    assert chosen("C\u3001\u5c0f\u674e", options) == 2
    assert chosen("\u5c0f\u738b\u548c\u5c0f\u674e", options) is None


def test_published_answers_are_read_as_their_own_script_reads_them(golden: Path) -> None:
    """MMLU-Pro's published texts of a model: where the first of its patterns finds the answer, so does ours."""
    agree = total = 0
    with gzip.open(golden / "mmlu_pro_outputs" / "jamba-1.5-large.jsonl.gz", "rt") as lines:
        for row in list(map(json.loads, lines))[::40]:
            if stated := re.search(r"answer is \(?([A-J])\)?", row["model_outputs"]):
                total += 1
                found = chosen(row["model_outputs"], [f"\u00a7{i}" for i in range(10)])
                agree += found == "ABCDEFGHIJ".index(stated[1])
    assert total > 280
    assert agree / total > 0.99


@pytest.mark.parametrize(
    "text", ["A ", "the answer is ", "(", "A or B and ", "so, ", "\n", "option ", "_", "1"]
)
def test_a_text_that_never_ends_is_read_in_no_time(text: str) -> None:
    assert chosen(text * 300, PEOPLE, unknown=1) is None
    assert chosen("B. " + "lorem ipsum " * 20_000, PEOPLE, unknown=1) == 1
    assert chosen("lorem ipsum " * 20_000 + "The answer is B.", PEOPLE, unknown=1) == 1


@pytest.mark.parametrize(
    ("answer", "named"),
    [("A. no", None), ("(B) yes", None), ("I choose A (no)", None), ("B. No", 1), ("A. Yes", 0), ("no doubt: yes", 0)],
)  # fmt: skip
def test_yes_or_no_beside_the_label_of_the_other_is_no_answer(answer: str, named: int | None) -> None:
    assert chosen(answer, ["yes", "no"]) == named
