//! The login of a Java client, `sasl.jaas.config`: `org.….PlainLoginModule required username="…" password="…";`

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::str::Chars;

const EXPECTED: &str = "expected a login module with username=\"…\" password=\"…\"";
const NO_VALUE: &str = "expected NAME=\"VALUE\" after the login module; a value with more than letters and digits has \
                        to be in quotes";
const NO_END: &str = "expected `;` at the end";

/// A login module's options, and librdkafka's names for them.
const OPTIONS: [(&str, &str); 8] = [
    ("username", "sasl.username"),
    ("password", "sasl.password"),
    ("principal", "sasl.kerberos.principal"),
    ("keyTab", "sasl.kerberos.keytab"),
    ("serviceName", "sasl.kerberos.service.name"),
    ("clientId", "sasl.oauthbearer.client.id"),
    ("clientSecret", "sasl.oauthbearer.client.secret"),
    ("scope", "sasl.oauthbearer.scope"),
];

/// Login modules that need no name and password: they have a ticket or a token.
const WITHOUT_PASSWORD: [&str; 2] = ["Krb5LoginModule", "OAuthBearerLoginModule"];

/// Parses `sasl.jaas.config` into properties of librdkafka.
///
/// # Errors
///
/// Fails if Java could not read the text either, or if it has no user and password that a login needs. The message says what
/// was expected and repeats nothing of the text, which is full of secrets.
pub fn parse(text: &str) -> Result<Vec<(&'static str, String)>, &'static str> {
    let mut tokens = Tokens(text.chars().peekable());
    let Some(Token::Text(module)) = tokens.next()? else { return Err(EXPECTED) };
    let Some(Token::Text(flag)) = tokens.next()? else { return Err(EXPECTED) };
    if !["required", "requisite", "sufficient", "optional"].contains(&flag.to_ascii_lowercase().as_str()) {
        return Err("expected `required` after the login module");
    }
    let mut options: BTreeMap<String, String> = BTreeMap::new();
    loop {
        match tokens.next()? {
            Some(Token::Text(name)) => {
                let Some(Token::Sign('=')) = tokens.next()? else { return Err(NO_VALUE) };
                let Some(Token::Text(value)) = tokens.next()? else { return Err(NO_VALUE) };
                options.insert(name, value);
            }
            Some(Token::Sign(';')) => break,
            Some(Token::Sign(_)) => return Err(NO_VALUE),
            None => return Err(NO_END),
        }
    }
    if tokens.next()?.is_some() {
        return Err("expected one login module");
    }
    let complete = options.contains_key("username") && options.contains_key("password");
    if !complete && !WITHOUT_PASSWORD.iter().any(|name| module.ends_with(name)) {
        return Err(EXPECTED);
    }
    Ok(OPTIONS.iter().filter_map(|(option, property)| Some((*property, options.remove(*option)?))).collect())
}

enum Token {
    /// A word, or a text in quotes.
    Text(String),
    Sign(char),
}

/// Reads tokens as Kafka has `java.io.StreamTokenizer` read them.
struct Tokens<'a>(Peekable<Chars<'a>>);

impl Tokens<'_> {
    fn next(&mut self) -> Result<Option<Token>, &'static str> {
        let in_word = |character: &char| character.is_alphanumeric() || ".-_$".contains(*character);
        loop {
            let Some(first) = self.0.next() else { return Ok(None) };
            return match first {
                blank if blank.is_ascii_whitespace() => continue,
                '/' if self.0.peek() == Some(&'/') => {
                    while self.0.next_if(|character| *character != '\n').is_some() {}
                    continue;
                }
                '/' if self.0.next_if_eq(&'*').is_some() => {
                    let mut last = ' ';
                    while let Some(character) = self.0.next().filter(|character| (last, *character) != ('*', '/')) {
                        last = character;
                    }
                    continue;
                }
                '"' | '\'' => self.quoted(first).map(|text| Some(Token::Text(text))),
                // Java takes 0 to 9, a point or a minus at the beginning for a number, and numbers for no value.
                letter if letter.is_alphabetic() || "_$".contains(letter) => {
                    let mut word = String::from(letter);
                    while let Some(letter) = self.0.next_if(in_word) {
                        word.push(letter);
                    }
                    Ok(Some(Token::Text(word)))
                }
                sign => Ok(Some(Token::Sign(sign))),
            };
        }
    }

    /// What follows a quote, up to the same one.
    fn quoted(&mut self, quote: char) -> Result<String, &'static str> {
        let mut text = String::new();
        loop {
            match self.0.next() {
                None | Some('\n' | '\r') => return Err("a quote is not closed"),
                Some(end) if end == quote => return Ok(text),
                Some('\\') => text.push(match self.0.next().ok_or("a quote is not closed")? {
                    'a' => '\u{7}',
                    'b' => '\u{8}',
                    'f' => '\u{c}',
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    'v' => '\u{b}',
                    digit @ '0'..='7' => self.octal(digit),
                    other => other,
                }),
                Some(character) => text.push(character),
            }
        }
    }

    /// A character by its number: three digits at most, up to `\377`.
    fn octal(&mut self, first: char) -> char {
        let mut number = first.to_digit(8).unwrap_or_default();
        for _ in 0..if first < '4' { 2 } else { 1 } {
            let Some(digit) = self.0.peek().and_then(|digit| digit.to_digit(8)) else { break };
            self.0.next();
            number = number * 8 + digit;
        }
        char::from_u32(number).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(&str, &str)]) {
        let read = parse(text).unwrap();
        assert_eq!(read.iter().map(|(key, value)| (*key, value.as_str())).collect::<Vec<_>>(), expected, "{text}");
    }

    #[test]
    fn both_quotes_and_none() {
        let expected = [("sasl.username", "alice"), ("sasl.password", "a=b;c 'd'")];
        check(r#"x.PlainLoginModule required username="alice" password="a=b;c 'd'";"#, &expected);
        check(r"x.PlainLoginModule required username=alice password='a=b;c \'d\'';", &expected);
        check(
            "x.PlainLoginModule REQUIRED\n /* * */ username = 'alice' // her\n password='a=b;c \\47d\\047' ;",
            &expected,
        );
    }

    #[test]
    fn a_name_within_a_value_is_none() {
        check(
            r#"x.ScramLoginModule required note="username=bob" username="alice" password="password=x";"#,
            &[("sasl.username", "alice"), ("sasl.password", "password=x")],
        );
    }

    #[test]
    fn tickets_and_tokens_need_no_password() {
        check("com.sun.security.auth.module.Krb5LoginModule required useTicketCache=true;", &[]);
        check(
            "com.sun.security.auth.module.Krb5LoginModule required keyTab='/a.keytab' principal='alice@EMR' serviceName=kafka;",
            &[
                ("sasl.kerberos.principal", "alice@EMR"),
                ("sasl.kerberos.keytab", "/a.keytab"),
                ("sasl.kerberos.service.name", "kafka"),
            ],
        );
        check("x.OAuthBearerLoginModule required;", &[]);
    }

    #[test]
    fn what_java_cannot_read_is_an_error_without_the_text() {
        for text in [
            "",
            "hunter2",
            "x.PlainLoginModule required;",
            "x.PlainLoginModule username='alice' password='hunter2';",
            "x.PlainLoginModule required username='alice' password='hunter2'",
            "x.PlainLoginModule required username='alice' password='hunter2;",
            "x.PlainLoginModule required username='alice' password='hunter2\\",
            "x.PlainLoginModule required username='alice' password='hunter2\n';",
            "x.PlainLoginModule required username='alice' password=hunter2#;",
            "x.PlainLoginModule required username='alice' password=2hunter2;",
            "x.PlainLoginModule required username='alice' password='it's hunter2';",
            "x.PlainLoginModule required username='alice' password 'hunter2';",
            "x.PlainLoginModule required username='alice';",
            "x.PlainLoginModule required username=a password=b; y.PlainLoginModule required username=a password=b;",
        ] {
            let why = parse(text).expect_err(text);
            assert!(!why.contains("hunter2"), "{why}");
        }
    }
}
