//! Each rule finds the real bug on the real kernel, and only it; nothing on what is healthy.

mod contract;
mod healthy;
mod leaks;
mod names;
mod pipelines;
mod programs;
mod queues;
mod services;
mod stranger;
