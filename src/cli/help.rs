//! Korean help texts and error messages for the command line.
//!
//! clap has no localisation: [`localise`] replaces its headings and generated texts and hides settings that a
//! command does not use; [`explain`] translates parse errors.

use std::io::{self, Write};

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Command};

use super::{CliError, CommandResult, Outcome, folder};
use crate::config::{BACKUP_HEADING, COMMON_HEADING, SERVER_HEADING, Settings};

const TEMPLATE: &str = "{about-with-newline}\n사용법: {usage}\n\n{all-args}{after-help}";

const COMMANDS_HEADING: &str = "명령";
const ARGUMENTS_HEADING: &str = "입력";
const OPTIONS_HEADING: &str = "옵션";

const ROOT_FOOTER: &str = "명령의 옵션은 mukkeum help 뒤에 명령 이름을 붙여 볼 수 있어요. 서버 설정은 mukkeum help serve에 있어요.\n\
     설정은 환경 변수(--tls이면 MUKKEUM_TLS)나 데이터 폴더의 mukkeum.toml(tls = true)에도 입력할 수 있어요.";

/// Replaces clap's English texts, and builds the command.
pub(super) fn localise(command: Command) -> Command {
    let help = Arg::new("help").short('h').long("help").global(true).action(ArgAction::Help);
    let version = Arg::new("version").short('V').long("version").action(ArgAction::Version);
    let mut command = command
        .disable_help_flag(true)
        .disable_version_flag(true)
        .arg(help.help("도움말을 보여 줘요").help_heading(COMMON_HEADING))
        .arg(version.help("버전을 보여 줘요").help_heading(COMMON_HEADING))
        .after_help(ROOT_FOOTER);
    // Propagates the global arguments, which are adjusted for each command below.
    command.build();
    localise_built(command, &[])
}

/// `path`: the names of the command and its parents, without the program's.
fn localise_built(command: Command, path: &[String]) -> Command {
    let command = command.mut_args(|argument| localise_argument(argument, path));
    let usage = usage(&command, path);
    command.help_template(TEMPLATE).override_usage(usage).subcommand_help_heading(COMMANDS_HEADING).mut_subcommands(
        |subcommand| {
            let path: Vec<String> = path.iter().cloned().chain([subcommand.get_name().to_owned()]).collect();
            localise_built(subcommand, &path)
        },
    )
}

fn localise_argument(argument: Arg, path: &[String]) -> Arg {
    let argument = argument.hide_env(true).hide_possible_values(true).hide_default_value(true);
    if is_setting(&argument) {
        let is_shown = is_setting_shown(&argument, path);
        let argument = if path == ["demo"] && argument.get_id() == "data" {
            argument.help(format!("데이터 폴더 [기본값: ./{}]", folder::DEMO_FOLDER))
        } else {
            argument
        };
        return argument.hide(!is_shown);
    }
    match argument.get_help_heading() {
        Some(_) => argument,
        None if argument.is_positional() => argument.help_heading(ARGUMENTS_HEADING),
        None => argument.help_heading(OPTIONS_HEADING),
    }
}

fn is_setting(argument: &Arg) -> bool {
    Settings::NAMES.contains(&argument.get_id().as_str())
}

/// Whether the help of a command lists the setting. Every command accepts all settings.
fn is_setting_shown(setting: &Arg, path: &[String]) -> bool {
    let (name, heading) = (setting.get_id().as_str(), setting.get_help_heading());
    match path.first().map(String::as_str) {
        Some("serve") => true,
        Some("demo") => !["config", "database"].contains(&name) && heading != Some(BACKUP_HEADING),
        Some("service") => ["data", "listen"].contains(&name),
        Some("health") => ["config", "data", "listen", "tls", "tls_cert", "tls_key"].contains(&name),
        Some("copy" | "version" | "help") => false,
        Some("backup") => heading != Some(SERVER_HEADING),
        _ => heading == Some(COMMON_HEADING),
    }
}

fn usage(command: &Command, path: &[String]) -> StyledStr {
    let mut parts = vec!["mukkeum".to_owned()];
    parts.extend(path.iter().cloned());
    parts.extend(command.get_opts().filter(|option| option.is_required_set()).map(|option| {
        let value = option.get_value_names().and_then(|names| names.first()).map(ToString::to_string);
        format!("--{} <{}>", option.get_long().unwrap_or_default(), value.unwrap_or_default())
    }));
    parts.push("[옵션]".to_owned());
    parts.extend(command.get_positionals().map(|positional| {
        let name = positional.get_value_names().and_then(|names| names.first()).map(ToString::to_string);
        let name = name.unwrap_or_else(|| positional.get_id().to_string().to_uppercase());
        let dots = if matches!(positional.get_action(), ArgAction::Append) { "…" } else { "" };
        if positional.is_required_set() { format!("<{name}>{dots}") } else { format!("[{name}]{dots}") }
    }));
    if command.has_subcommands() {
        parts.push(if command.is_subcommand_required_set() { "<명령>" } else { "[명령]" }.to_owned());
    }
    parts.join(" ").into()
}

/// Prints the help of the command at `path`.
///
/// # Errors
/// There is no such command.
pub(super) fn print(command: Command, path: &[String]) -> CommandResult {
    let mut command = &mut localise(command);
    for name in path {
        command = command
            .find_subcommand_mut(name)
            .ok_or_else(|| CliError(format!("없는 명령이에요: {name}\n명령은 mukkeum help로 볼 수 있어요.")))?;
    }
    write!(io::stdout().lock(), "{}", command.render_help())?;
    Ok(Outcome::Complete)
}

/// The Korean message for a parse error. None if the error is no error: a request for help or the version.
pub(super) fn explain(error: &clap::Error) -> Option<String> {
    let context = |kind| error.get(kind).map(text).unwrap_or_default();
    let (argument, value) = (context(ContextKind::InvalidArg), context(ContextKind::InvalidValue));
    let message = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => return None,
        ErrorKind::InvalidValue if value.is_empty() => format!("{argument}의 값이 빠졌어요."),
        ErrorKind::InvalidValue => {
            format!("{argument}에 쓸 수 없는 값이에요: {value}\n쓸 수 있는 값: {}", context(ContextKind::ValidValue))
        }
        ErrorKind::ValueValidation => {
            let reason = std::error::Error::source(error).map(ToString::to_string).filter(|reason| is_korean(reason));
            let reason = reason.map(|reason| format!("\n{reason}")).unwrap_or_default();
            format!("{argument}에 쓸 수 없는 값이에요: {value}{reason}")
        }
        ErrorKind::UnknownArgument => {
            format!("없는 옵션이에요: {argument}{}", suggestion(&context(ContextKind::SuggestedArg)))
        }
        ErrorKind::InvalidSubcommand => {
            let name = context(ContextKind::InvalidSubcommand);
            // Sorted by similarity, the best one last.
            let names = context(ContextKind::SuggestedSubcommand);
            format!("없는 명령이에요: {name}{}", suggestion(names.rsplit(", ").next().unwrap_or_default()))
        }
        ErrorKind::MissingRequiredArgument => format!("꼭 필요한 값이 빠졌어요: {argument}"),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            return Some(format!("명령이 빠졌어요.\n\n{}", error.render().to_string().trim_end()));
        }
        ErrorKind::MissingSubcommand => "명령이 빠졌어요.".to_owned(),
        ErrorKind::ArgumentConflict => {
            format!("함께 쓸 수 없는 옵션이에요: {argument}, {}", context(ContextKind::PriorArg))
        }
        _ => format!("명령이 올바르지 않아요: {argument}"),
    };
    Some(format!("{message}\n사용법은 명령 뒤에 --help를 붙이면 볼 수 있어요."))
}

fn text(value: &ContextValue) -> String {
    match value {
        ContextValue::String(text) => text.clone(),
        ContextValue::Strings(texts) => texts.join(", "),
        ContextValue::StyledStr(text) => text.to_string(),
        _ => String::new(),
    }
}

fn suggestion(name: &str) -> String {
    if name.is_empty() { String::new() } else { format!("\n혹시 {name}인가요?") }
}

fn is_korean(text: &str) -> bool {
    text.chars().any(|letter| ('가'..='힣').contains(&letter))
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, FromArgMatches};

    use super::*;
    use crate::cli::CommandLine;

    fn help(path: &[&str]) -> String {
        let mut command = localise(CommandLine::command());
        let mut command = &mut command;
        for name in path {
            command = command.find_subcommand_mut(name).expect(name);
        }
        command.render_help().to_string()
    }

    /// English words in the texts that clap generates.
    fn english_words(help: &str) -> Vec<&str> {
        let generated = ["Usage", "Commands", "Options", "Arguments", "Print", "default", "possible", "env:"];
        generated.into_iter().filter(|word| help.contains(word)).collect()
    }

    fn check(command: &Command, path: &[String]) {
        let names: Vec<&str> = path.iter().map(String::as_str).collect();
        let help = help(&names);
        assert_eq!(english_words(&help), Vec::<&str>::new(), "{path:?}:\n{help}");
        for subcommand in command.get_subcommands() {
            check(subcommand, &path.iter().cloned().chain([subcommand.get_name().to_owned()]).collect::<Vec<_>>());
        }
    }

    #[test]
    fn help_texts_are_korean() {
        check(&CommandLine::command(), &[]);
        assert!(help(&[]).contains("사용법: mukkeum [옵션] [명령]\n"), "{}", help(&[]));
        assert!(help(&["export", "orders"]).contains("사용법: mukkeum export orders --out <FILE> [옵션]\n"));
        assert!(help(&["import", "orders"]).contains("사용법: mukkeum import orders [옵션] <FILE>…\n"));
    }

    #[test]
    fn help_lists_only_settings_that_the_command_uses() {
        assert!(!help(&[]).contains("--listen") && help(&["serve"]).contains("--listen"));
        assert!(!help(&["export", "orders"]).contains("--tls") && help(&["export", "orders"]).contains("--database"));
        let demo = help(&["demo"]);
        assert!(
            demo.contains("[기본값: ./demo-data]") && !demo.contains("./data") && !demo.contains("--backup"),
            "{demo}"
        );
        assert!(demo.find("--orders") < demo.find("--listen"), "{demo}");
    }

    #[test]
    fn parse_errors_are_korean() {
        let explained = |line: &str| {
            let mut command = localise(CommandLine::command());
            let parsed = command.try_get_matches_from_mut(line.split(' '));
            let parsed = parsed.and_then(|mut matches| CommandLine::from_arg_matches_mut(&mut matches));
            parsed.map(drop).map_err(|error| explain(&error).unwrap_or_default()).expect_err("is rejected")
        };
        for (line, expected) in [
            ("mukkeum srve", "없는 명령이에요: srve\n혹시 serve인가요?"),
            ("mukkeum serve --lisen 1", "없는 옵션이에요: --lisen\n혹시 --listen인가요?"),
            ("mukkeum serve --log-format xml", "쓸 수 없는 값이에요: xml\n쓸 수 있는 값: text, json"),
            ("mukkeum demo --reset-every 5x", "쓸 수 없는 값이에요: 5x\n30m(분)"),
            ("mukkeum demo --orders many", "쓸 수 없는 값이에요: many\n사용법"),
            ("mukkeum import orders", "꼭 필요한 값이 빠졌어요: <FILE>"),
            ("mukkeum import", "명령이 빠졌어요.\n\n판매채널과 택배사의 파일을 올려요"),
            ("mukkeum demo --orders", "--orders <N>의 값이 빠졌어요."),
        ] {
            let message = explained(line);
            assert!(message.contains(expected), "{line}: {message}");
        }
    }

    #[test]
    fn request_for_help_is_no_error() {
        let mut command = localise(CommandLine::command());
        let error = command.try_get_matches_from_mut(["mukkeum", "serve", "--help"]).expect_err("help");
        assert_eq!(explain(&error), None);
    }
}
