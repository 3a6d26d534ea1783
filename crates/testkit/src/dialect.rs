//! The three ways in which clients and servers talk. The gateway has its own such enum; testkit
//! shares no code with it.

/// A dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// OpenAI's Chat Completions.
    Chat,
    /// OpenAI's Responses.
    Responses,
    /// Anthropic's Messages.
    Messages,
}

impl Dialect {
    /// Every dialect.
    pub const ALL: [Self; 3] = [Self::Chat, Self::Responses, Self::Messages];

    /// The name, as in a test's parameter and in the gateway's configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Responses => "responses",
            Self::Messages => "messages",
        }
    }

    /// Where answers are asked for.
    pub fn path(self) -> &'static str {
        match self {
            Self::Chat => "/v1/chat/completions",
            Self::Responses => "/v1/responses",
            Self::Messages => "/v1/messages",
        }
    }

    /// Where tokens are counted; Chat Completions has no such place.
    pub fn count_path(self) -> Option<&'static str> {
        match self {
            Self::Chat => None,
            Self::Responses => Some("/v1/responses/input_tokens"),
            Self::Messages => Some("/v1/messages/count_tokens"),
        }
    }
}
