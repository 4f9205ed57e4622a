//! No function that C calls lets a panic out: each is one call of `guard`.

use std::path::{Path, PathBuf};

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

/// The functions of `source` that C calls, each with its name and its body. rustfmt ends a function by its indented brace.
fn functions(source: &str) -> Vec<(&str, String)> {
    let mut lines = source.lines();
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        let Some((before, name)) = line.split_once("extern \"C\" fn ") else { continue };
        let indent = &line[..line.len() - line.trim_start().len()];
        // Not types, nor comments.
        if !before.split_whitespace().all(|word| word.starts_with("pub") || word == "unsafe") {
            continue;
        }
        let end = format!("{indent}}}");
        let body: Vec<&str> = [line].into_iter().chain(lines.by_ref().take_while(|line| *line != end)).collect();
        let body = body.join("\n");
        // What comes after the signature.
        let body = body.split_once(" {\n").unwrap_or_else(|| panic!("no body: {body}")).1.to_owned();
        found.push((name.split(['(', '<']).next().unwrap(), body));
    }
    found
}

/// It takes the pointer, and no more.
const TAKES_ERRSTR: &str = "let errstr = unsafe { ErrStr::new(errstr, errstr_size) };";

#[test]
fn every_function_that_c_calls_goes_through_guard() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut count = 0;
    for path in sources(&folder) {
        let source = std::fs::read_to_string(&path).unwrap();
        for (name, body) in functions(&source) {
            // Bare instructions that hand on to `start`.
            if body.contains("naked_asm!") {
                continue;
            }
            count += 1;
            let path = path.display();
            // Outside of it only what cannot panic: pointers are taken, values returned.
            for line in outside_of_guard(&body) {
                let harmless = ["", "NO_ERROR", TAKES_ERRSTR, "errstr."].contains(&line)
                    || ["//", "let this: "].iter().any(|start| line.starts_with(start));
                assert!(harmless, "{path}: {name}: this is outside of guard: {line}");
            }
        }
    }
    assert!(count >= 20, "{count} functions are found");
}

/// One guard is enough: a function that C calls calls no other one.
#[test]
fn no_function_goes_through_guard_twice() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let sources: Vec<String> = sources(&folder).iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let all: Vec<(&str, String)> = sources.iter().flat_map(|source| functions(source)).collect();
    for (name, body) in &all {
        for (other, _) in &all {
            assert!(!body.contains(&format!("{other}(")), "{name} calls {other}");
        }
        assert_eq!(body.matches("guard(").count() + body.matches(".call(").count(), guards(body), "{name}");
    }
}

/// How many guards a body has to have.
fn guards(body: &str) -> usize {
    usize::from(!body.contains("naked_asm!"))
}

/// The lines of a body before and after its one call of `guard`.
fn outside_of_guard(body: &str) -> Vec<&str> {
    let Some((before, after)) = body.split_once("guard(").or_else(|| body.split_once("errstr.call(")) else {
        return vec!["no guard"];
    };
    let mut open = 1;
    let end = after.find(|character| {
        open += i32::from(character == '(') - i32::from(character == ')');
        open == 0
    });
    let after = &after[end.expect("a parenthesis that is closed") + 1..];
    // What the compiler computes panics there.
    let constant = before.split_once("const ").and_then(|(_, constant)| Some(constant.split_once("};")?.1));
    constant.unwrap_or(before).lines().chain(after.trim_start_matches(';').lines()).map(str::trim).collect()
}

#[test]
fn what_is_not_guarded_is_found() {
    let source = "pub unsafe extern \"C\" fn good(\n    a: u8,\n) -> u8 {\n    guard(\"x\", 0, || {\n        f(a)\n    })\n}\n\
                  extern \"C\" fn bad() {\n    f();\n    guard(\"x\", (), || ());\n}\ntype T = unsafe extern \"C\" fn(u8);\n";
    let [(good, its), (bad, bads)] = &functions(source)[..] else { panic!("{:?}", functions(source)) };
    assert_eq!((*good, *bad), ("good", "bad"));
    assert!(outside_of_guard(its).iter().all(|line| line.is_empty()));
    assert!(outside_of_guard(bads).contains(&"f();"));
    assert_eq!(outside_of_guard("f();"), ["no guard"]);
}
