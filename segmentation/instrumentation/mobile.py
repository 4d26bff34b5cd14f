"""Kotlin and Swift of an app: `logEvent` calls of Firebase.

A string, number or integer is sent as such. Firebase has no truth values and no times: a boolean is sent as `true` or
`false`, a timestamp as the ISO 8601 text that the app gives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.instrumentation.calls import ITEMS, camel_case

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segmentation.instrumentation.calls import Argument, Call, Kind

HEAD = "// Generated from conf/tracking_plan.yaml by python -m segmentation.instrumentation; do not edit."
KOTLIN_TYPES: dict[Kind, str] = {
    "string": "String",
    "integer": "Long",
    "number": "Double",
    "boolean": "Boolean",
    "timestamp": "String",
}
SWIFT_TYPES: dict[Kind, str] = {**KOTLIN_TYPES, "integer": "Int64", "boolean": "Bool"}
WIDTH = 100
"""Characters of a line, by the guides of both languages."""
PUT: dict[Kind, str] = {"integer": "putLong", "number": "putDouble"}
KOTLIN_WORDS = frozenset(
    [
        "as",
        "break",
        "class",
        "continue",
        "do",
        "else",
        "false",
        "for",
        "fun",
        "if",
        "in",
        "interface",
        "is",
        "null",
        "object",
        "package",
        "return",
        "super",
        "this",
        "throw",
        "true",
        "try",
        "typealias",
        "typeof",
        "val",
        "var",
        "when",
        "while",
    ]
)
SWIFT_WORDS = frozenset(
    [
        "Any",
        "Self",
        "as",
        "associatedtype",
        "break",
        "case",
        "catch",
        "class",
        "continue",
        "default",
        "defer",
        "deinit",
        "do",
        "else",
        "enum",
        "extension",
        "fallthrough",
        "false",
        "fileprivate",
        "for",
        "func",
        "guard",
        "if",
        "import",
        "in",
        "init",
        "inout",
        "internal",
        "is",
        "let",
        "nil",
        "open",
        "operator",
        "private",
        "precedencegroup",
        "protocol",
        "public",
        "repeat",
        "rethrows",
        "return",
        "self",
        "static",
        "struct",
        "subscript",
        "super",
        "switch",
        "throw",
        "throws",
        "true",
        "try",
        "typealias",
        "var",
        "where",
        "while",
    ]
)


def kotlin_class(calls: Sequence[Call], package: str) -> str:
    """Return class `Tracking` for Android, which is made with the app's `FirebaseAnalytics`."""
    lines = [HEAD, f"package {package}", "", "import android.os.Bundle"]
    lines += ["import com.google.firebase.analytics.FirebaseAnalytics", ""]
    lines += ["class Tracking(private val analytics: FirebaseAnalytics) {"]
    lines += ["    /** Call it once the user is known; without an id after a logout. */"]
    lines += ["    fun setUser(id: String?) {", "        analytics.setUserId(id)", "    }"]
    for call in calls:
        lines += ["", *_kotlin_function(call)]
    return "\n".join([*lines, "}"]) + "\n"


def swift_struct(calls: Sequence[Call]) -> str:
    """Return enumeration `Tracking` for Apple's platforms, which sends by `Analytics` of Firebase."""
    lines = [HEAD, "import FirebaseAnalytics", "", "enum Tracking {"]
    lines += ["    /// Call it once the user is known; without an id after a logout."]
    lines += ["    static func setUser(_ id: String?) {", "        Analytics.setUserID(id)", "    }"]
    for call in calls:
        lines += ["", *_swift_function(call)]
    return "\n".join([*lines, "}"]) + "\n"


def _kotlin_function(call: Call) -> list[str]:
    given = [_kotlin_argument(argument) for argument in call.arguments]
    given += ["items: List<Bundle>? = null"] if call.items else []
    lines = [f"    /** {call.description} */"] if call.description else []
    lines += _signature(f"    fun {_kotlin_name(call.function)}(", given, ") {")
    lines += ["        val parameters = Bundle()"]
    lines += [_kotlin_put(argument) for argument in call.arguments]
    if call.items:
        lines.append(f'        items?.let {{ parameters.putParcelableArray("{ITEMS}", it.toTypedArray()) }}')
    return [*lines, f'        analytics.logEvent("{call.sent_as}", parameters)', "    }"]


def _kotlin_argument(argument: Argument) -> str:
    text = f"{_kotlin_name(camel_case(argument.name))}: {KOTLIN_TYPES[argument.kind]}"
    return text if argument.required else f"{text}? = null"


def _kotlin_put(argument: Argument) -> str:
    put = PUT.get(argument.kind, "putString")
    name = _kotlin_name(camel_case(argument.name))
    suffix = ".toString()" if argument.kind == "boolean" else ""
    if argument.required:
        return f'        parameters.{put}("{argument.sent_as}", {name}{suffix})'
    return f'        {name}?.let {{ parameters.{put}("{argument.sent_as}", it{suffix}) }}'


def _swift_function(call: Call) -> list[str]:
    given = [_swift_argument(argument) for argument in call.arguments]
    given += ["items: [[String: Any]]? = nil"] if call.items else []
    lines = [f"    /// {call.description}"] if call.description else []
    lines += _signature(f"    static func {_swift_name(call.function)}(", given, ") {")
    required = [f'"{a.sent_as}": {_swift_value(a)}' for a in call.arguments if a.required]
    optional = [a for a in call.arguments if not a.required]
    keyword = "var" if optional or call.items else "let"
    lines += _dictionary(f"        {keyword} parameters: [String: Any] = [", required)
    lines += [
        f'        if let {_swift_name(camel_case(a.name))} {{ parameters["{a.sent_as}"] = {_swift_value(a)} }}'
        for a in optional
    ]
    if call.items:
        lines.append(f'        if let items {{ parameters["{ITEMS}"] = items }}')
    return [*lines, f'        Analytics.logEvent("{call.sent_as}", parameters: parameters)', "    }"]


def _swift_argument(argument: Argument) -> str:
    text = f"{_swift_name(camel_case(argument.name))}: {SWIFT_TYPES[argument.kind]}"
    return text if argument.required else f"{text}? = nil"


def _swift_value(argument: Argument) -> str:
    name = _swift_name(camel_case(argument.name))
    return f'{name} ? "true" : "false"' if argument.kind == "boolean" else name


def _dictionary(head: str, entries: Sequence[str]) -> list[str]:
    if len(head) + sum(len(text) + 2 for text in entries) <= WIDTH:
        return [f"{head}{', '.join(entries) or ':'}]"]
    return [head, *(f"            {text}," for text in entries), "        ]"]


def _signature(head: str, given: Sequence[str], tail: str) -> list[str]:
    if len(head) + sum(len(text) + 2 for text in given) <= WIDTH:
        return [head + ", ".join(given) + tail]
    lines = [f"        {text}," for text in given[:-1]] + [f"        {given[-1]}"]
    return [head, *lines, f"    {tail}"]


def _kotlin_name(name: str) -> str:
    return f"`{name}`" if name in KOTLIN_WORDS else name


def _swift_name(name: str) -> str:
    return f"`{name}`" if name in SWIFT_WORDS else name
