//! Java's property files, as `java.util.Properties` reads them.

/// What separates a key from its value, or stands in front of a line.
const BLANK: [char; 3] = [' ', '\t', '\u{c}'];

/// One property, and the line where it begins.
#[derive(Debug, PartialEq, Eq)]
pub struct Property {
    /// Counted from 1.
    pub line: usize,
    /// Without its escapes.
    pub key: String,
    /// Without its escapes; `None` if the line has nothing but a key, which Java takes for an empty value.
    pub value: Option<String>,
}

/// Text that is not a property. It is not repeated, because it may be a password.
#[derive(Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong, and what was expected.
    pub message: &'static str,
}

/// Parses a file's content: UTF-8, or else Java's Latin-1.
///
/// # Errors
///
/// Fails on a line without a key and on a broken `\u` escape.
pub fn parse(content: Vec<u8>) -> Result<Vec<Property>, SyntaxError> {
    let text = String::from_utf8(content)
        .unwrap_or_else(|error| error.into_bytes().into_iter().map(char::from).collect())
        .replace("\r\n", "\n")
        .replace('\r', "\n");
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut lines = (1..).zip(text.split('\n'));
    let mut properties = Vec::new();
    while let Some((line, content)) = lines.next() {
        let mut logical = content.trim_start_matches(BLANK).to_owned();
        if logical.starts_with(['#', '!']) {
            continue;
        }
        // A comment's mark in a line that continues another is none.
        while continues(&logical) {
            logical.pop();
            let Some((_, next)) = lines.next() else { break };
            logical.push_str(next.trim_start_matches(BLANK));
        }
        if !logical.is_empty() {
            properties.push(property(line, &logical).map_err(|message| SyntaxError { line, message })?);
        }
    }
    Ok(properties)
}

/// Whether the line's end is escaped: by a backslash that is not itself escaped.
fn continues(line: &str) -> bool {
    (line.len() - line.trim_end_matches('\\').len()) % 2 == 1
}

fn property(line: usize, text: &str) -> Result<Property, &'static str> {
    let mut escaped = false;
    let end = text.find(|character: char| {
        let ends = !escaped && (BLANK.contains(&character) || ['=', ':'].contains(&character));
        escaped = !escaped && character == '\\';
        ends
    });
    let (key, rest) = text.split_at(end.unwrap_or(text.len()));
    let rest = rest.trim_start_matches(BLANK);
    let value = rest.strip_prefix(['=', ':']);
    let given = value.is_some() || !rest.is_empty();
    let value = given.then(|| unescaped(value.unwrap_or(rest).trim_start_matches(BLANK))).transpose()?;
    match unescaped(key)? {
        key if key.is_empty() => Err("expected KEY=VALUE"),
        key => Ok(Property { line, key, value }),
    }
}

fn unescaped(text: &str) -> Result<String, &'static str> {
    // As Java has it: a character beyond the first 65536 is two escapes.
    let mut units: Vec<u16> = Vec::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let character = match (character, characters.clone().next()) {
            ('\\', Some('u')) => {
                let digits: String = characters.by_ref().skip(1).take(4).collect();
                let whole = digits.len() == 4 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
                let unit = u16::from_str_radix(&digits, 16).ok().filter(|_| whole);
                units.push(unit.ok_or("expected four hexadecimal digits after \\u")?);
                continue;
            }
            ('\\', Some(next)) => {
                characters.next();
                match next {
                    't' => '\t',
                    'n' => '\n',
                    'r' => '\r',
                    'f' => '\u{c}',
                    other => other,
                }
            }
            (plain, _) => plain,
        };
        units.extend_from_slice(character.encode_utf16(&mut [0; 2]));
    }
    String::from_utf16(&units).map_err(|_| "expected a whole character: \\u escapes half of one")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(usize, &str, Option<&str>)]) {
        let properties = parse(text.as_bytes().to_vec()).unwrap();
        let read: Vec<_> = properties.iter().map(|one| (one.line, one.key.as_str(), one.value.as_deref())).collect();
        assert_eq!(read, expected);
    }

    #[test]
    fn keys_end_at_the_first_separator() {
        check("a=b=c", &[(1, "a", Some("b=c"))]);
        check("a = b ", &[(1, "a", Some("b "))]);
        check("a:b", &[(1, "a", Some("b"))]);
        check("\t a \t b c", &[(1, "a", Some("b c"))]);
        check("a : = b", &[(1, "a", Some("= b"))]);
        check(r"a\=\:\ b=c", &[(1, "a=: b", Some("c"))]);
        check("a=\nb\nc ", &[(1, "a", Some("")), (2, "b", None), (3, "c", None)]);
    }

    #[test]
    fn comments_and_blank_lines_are_nothing() {
        check("# a=b\\\n\n  ! c=d\r\n \t\ne=#f", &[(5, "e", Some("#f"))]);
        check("\u{feff}a=b\rc=d\r\n", &[(1, "a", Some("b")), (2, "c", Some("d"))]);
    }

    #[test]
    fn lines_continue() {
        check("a=b \\\n    c \\\r\n\t#d\ne=f", &[(1, "a", Some("b c #d")), (4, "e", Some("f"))]);
        check("a=b\\\\\nc=d", &[(1, "a", Some("b\\")), (2, "c", Some("d"))]);
        check("a=b\\\\\\\nc", &[(1, "a", Some("b\\c"))]);
        check("a=b\\", &[(1, "a", Some("b"))]);
        check("\\\na=b", &[(1, "a", Some("b"))]);
    }

    #[test]
    fn escapes_are_resolved() {
        check(r#"a=\t\n\r\f\\\"\x\ "#, &[(1, "a", Some("\t\n\r\u{c}\\\"x "))]);
        check(r"\u0061=\u00fcber \ud83d\ude00", &[(1, "a", Some("über 😀"))]);
    }

    #[test]
    fn what_is_not_utf_8_is_latin_1() {
        let properties = parse(b"a=\xfcber".to_vec()).unwrap();
        assert_eq!(properties[0].value.as_deref(), Some("über"));
    }

    #[test]
    fn errors_name_the_line() {
        for (text, line) in [("a=b\n=c", 2), ("\n\na=\\u12", 3), ("a=\\u+123", 1), ("a=b \\\n \\ud83d", 1), (":", 1)] {
            assert_eq!(parse(text.as_bytes().to_vec()).unwrap_err().line, line, "{text:?}");
        }
    }
}
