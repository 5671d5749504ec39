// What the Markdown pages say about the repository, checked: links, excerpts, Bazel targets, review
// cards, exercises.
//
// Each check reads the tree under `root` and returns what it found, nothing when all is well. A
// finding is a line of text, "FILE:LINE: what is wrong (allowed: what would be right)", with FILE
// relative to `root`.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace worker_pool {

using Findings = std::vector<std::string>;

// A link leads to a file or folder, and its #anchor to a heading or an <a id="...">. Links into
// folders that .bazelignore hides from Bazel are only looked at where those folders are there.
// Links to other places are well formed; whether they lead anywhere is not asked.
Findings check_links(const std::filesystem::path& root);

// A block below a line <!-- from FILE --> has the lines of that file. A line // ... stands for
// lines left out. Blocks of C++ and Go are always marked.
Findings check_excerpts(const std::filesystem::path& root);

// //package:name and its like, in code, are declared in a BUILD file of the page's Bazel module, or
// of the course.
Findings check_targets(const std::filesystem::path& root);

// docs/review_cards.md and the marks WP-NN in the code know each other, and each card
// has an exercise or says that there is none.
Findings check_cards(const std::filesystem::path& root);

// Each exercise is in the table of exercises/README.md, in exercises/BUILD, and in the lesson that
// the table names.
Findings check_exercises(const std::filesystem::path& root);

// The top README leads to every lesson.
Findings check_front_page(const std::filesystem::path& root);

// All of the above.
Findings check_documents(const std::filesystem::path& root);

}  // namespace worker_pool
