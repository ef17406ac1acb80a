//! MUKTASoft's services: what the program and they tell each other without anybody's hand.

pub mod push;
