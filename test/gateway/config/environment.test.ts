import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { expand } from "../../../gateway/config/environment.ts";

const variables = {
  NAME: "value",
  EMPTY: "",
  _under_9: "underscore",
  DOLLAR: "$NAME",
  BRACED: "${NAME}",
  AMPERSAND: "$& $1 $$",
};

describe("references in a text are replaced", () => {
  const cases: readonly (readonly [text: string, expanded: string])[] = [
    ["no reference", "no reference"],
    ["", ""],
    ["$NAME", "value"],
    ["${NAME}", "value"],
    ["a$NAME/b", "avalue/b"],
    ["a${NAME}b", "avalueb"],
    ["$NAME$NAME${NAME}", "valuevaluevalue"],
    ["$_under_9", "underscore"],
    ["$NAME-x", "value-x"],
    ["${NAME:-default}", "value"],
    ["${UNSET:-default}", "default"],
    ["${EMPTY:-default}", "default"],
    ["${UNSET:-}", ""],
    ["${UNSET:-two words: /:-}", "two words: /:-"],
    ["${UNSET:-a\nb}", "a\nb"],
    // A default is text, not another reference.
    ["${UNSET:-$NAME}", "$NAME"],
    ["$EMPTY", ""],
    ["${EMPTY}", ""],
    ["$$", "$"],
    ["$$NAME", "$NAME"],
    ["$$$NAME", "$value"],
    ["$$$$", "$$"],
    ["$${NAME}", "${NAME}"],
    // A dollar before anything else is a dollar: patterns end in one.
    ["$", "$"],
    ["^/v1$", "^/v1$"],
    ["(a|b$)?", "(a|b$)?"],
    ["a$|b", "a$|b"],
    ["$1 $-", "$1 $-"],
    ["100 $ each", "100 $ each"],
    // Values are not read again, neither as references nor as replacement patterns.
    ["$DOLLAR", "$NAME"],
    ["${BRACED}", "${NAME}"],
    ["$AMPERSAND", "$& $1 $$"],
  ];
  for (const [text, expanded] of cases) {
    test(`${JSON.stringify(text)} is ${JSON.stringify(expanded)}`, () => {
      const complaints: string[] = [];
      assert.equal(
        expand(text, variables, (message) => complaints.push(message)),
        expanded,
      );
      assert.deepEqual(complaints, []);
    });
  }
});

function unset(name: string): string {
  return `environment variable ${name} is not set (\${${name}:-default} gives a default, $$ is a dollar)`;
}

describe("a reference that cannot be resolved is named", () => {
  const malformed = "not a reference: write ${NAME}, ${NAME:-default}, or $$ for a dollar";
  const cases: readonly (readonly [text: string, complaints: readonly string[]])[] = [
    ["$UNSET", [unset("UNSET")]],
    ["${UNSET}", [unset("UNSET")]],
    ["$name", [unset("name")]],
    ["$UNSET and ${OTHER} and $NAME", [unset("UNSET"), unset("OTHER")]],
    ["$UNSET $UNSET", [unset("UNSET"), unset("UNSET")]],
    ["${}", [malformed]],
    ["${NAME", [malformed]],
    ["${", [malformed]],
    ["${NA ME}", [malformed]],
    ["${1NAME}", [malformed]],
    ["${NAME-default}", [malformed]],
    ["${NAME:default}", [malformed]],
    ["${:-default}", [malformed]],
    ["${NAME} ${NAME", [malformed]],
  ];
  for (const [text, expected] of cases) {
    test(JSON.stringify(text), () => {
      const complaints: string[] = [];
      expand(text, variables, (message) => complaints.push(message));
      assert.deepEqual(complaints, expected);
    });
  }
});

test("names that every object inherits are not variables", () => {
  for (const name of ["constructor", "toString", "__proto__", "hasOwnProperty"]) {
    const complaints: string[] = [];
    const text = expand(`$${name}`, { ...variables }, (message) => complaints.push(message));
    assert.equal(text, "");
    assert.equal(complaints.length, 1, name);
  }
});
